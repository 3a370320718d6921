import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { problem } from '../problems/to-problem.ts';

const maxNames = 500;
const maxNameChars = 400;
/** A file of ComfyUI's folders may say which one it means. */
const annotation = / \[(input|output|temp)\]$/;
const fileLike = /\.[A-Za-z0-9]{2,5}$/;

/**
 * Every text of a workflow that could be the name of an uploaded file, as it stands in it and without ComfyUI's annotation.
 *
 * @throws AppError (`WORKFLOW_VALIDATION_ERROR`) where the text is no JSON object.
 */
export function namedFiles(workflowText: string): string[] {
  const workflow = parseWorkflowText(workflowText);
  const names = new Set<string>();
  const visit = (value: Json): void => {
    if (names.size >= maxNames) return;
    if (typeof value === 'string') {
      if (value.length > maxNameChars) return;
      const name = value.replace(annotation, '');
      if (fileLike.test(name)) names.add(name);
    } else if (Array.isArray(value)) for (const item of value) visit(item);
    else if (isJsonObject(value)) for (const item of Object.values(value)) visit(item);
  };
  visit(workflow);
  return [...names];
}

function parseWorkflowText(text: string): Json {
  let workflow: Json;
  try {
    workflow = parseJson(text, { maxDepth: 200, maxValues: 400_000 });
  } catch (cause) {
    const where = cause instanceof Error ? cause.message : '';
    throw problem('WORKFLOW_VALIDATION_ERROR', `The workflow is no JSON: ${where}`, `工作流不是有效的 JSON：${where}`, {
      cause,
    });
  }
  if (isJsonObject(workflow)) return workflow;
  throw problem('WORKFLOW_VALIDATION_ERROR', 'A workflow is a JSON object.', '工作流必须是 JSON 对象。');
}
