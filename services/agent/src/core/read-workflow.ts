import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { convertToApi } from '@atelier/comfyui/convert/to-api';
import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { parseWorkflow, toRecord } from '@atelier/comfyui/graph/parse-workflow';
import { subWorkflow } from '@atelier/comfyui/graph/topology';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { listsFiles } from '@atelier/comfyui/policy/input-role';
import { recipeFromWorkflow, type RecipeFromWorkflow } from '@atelier/comfyui/recipes/recipe-from-workflow';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { LocalText } from './words-plan.ts';

/** A workflow that a person brought, as one server understands it. */
export interface ReadWorkflow {
  workflow: Workflow;
  /** Node classes that this server lacks. */
  missing: string[];
}

function isFrontend(value: JsonObject): boolean {
  return Array.isArray(value['nodes']);
}

/** Some programs send a workflow as ComfyUI takes it, with its client's id beside it. */
function unwrapped(value: JsonObject): JsonObject {
  for (const key of ['prompt', 'workflow']) {
    const inner = value[key];
    if (!isJsonObject(inner)) continue;
    const isWorkflow =
      isFrontend(inner) || Object.values(inner).some((node) => isJsonObject(node) && 'class_type' in node);
    if (isWorkflow) return inner;
  }
  return value;
}

/**
 * The JSON of a workflow, in either format, without what programs wrap around it.
 *
 * @throws ComfyError `malformed`, `too_large`.
 */
export function parseWorkflowText(text: string): JsonObject {
  const value = parseJson(text.replace(/^\uFEFF/, ''), { maxDepth: 100, maxValues: 500_000 });
  if (!isJsonObject(value)) {
    throw new ComfyError('malformed', 'A workflow is a JSON object.', {
      hint: 'Give the JSON that ComfyUI exports, in either format.',
    });
  }
  return unwrapped(value);
}

/**
 * Brings a workflow to API format by one server's node classes.
 *
 * @param random decides `{a|b}` in prompts of the front end's format.
 * @throws ComfyError `malformed`, `too_large`, `invalid_value`.
 */
export function readWorkflow(
  value: JsonObject,
  registry: Registry,
  options: { random: () => number; now?: Date | undefined },
): ReadWorkflow {
  if (isFrontend(value)) {
    const { workflow, missing } = convertToApi(value, registry, {
      random: options.random,
      ...(options.now === undefined ? {} : { now: options.now }),
    });
    return { workflow, missing: missing.map(({ classType }) => classType) };
  }
  const workflow = parseWorkflow(value);
  const missing = Object.values(workflow).flatMap((node) =>
    registry.classes.has(node.class_type) ? [] : [node.class_type],
  );
  return { workflow, missing: [...new Set(missing)] };
}

/** The part of a workflow that these output nodes need; undefined where one of them is not there. */
export function onlyTargets(workflow: Workflow, targets: readonly string[] | undefined): Workflow | undefined {
  if (targets === undefined || targets.length === 0) return workflow;
  if (!targets.every((id) => Object.hasOwn(workflow, id))) return undefined;
  return subWorkflow(workflow, targets);
}

/** The workflow with files under other names, wherever one of its inputs lists files. */
export function renameFiles(
  workflow: Workflow,
  registry: Registry,
  names: ReadonlyMap<string, string>,
): { workflow: Workflow; used: Set<string> } {
  const used = new Set<string>();
  const renamed = Object.entries(workflow).map(([id, node]) => {
    const nodeClass = registry.classes.get(node.class_type);
    const inputs = Object.entries(node.inputs).map(([name, value]): [string, Json] => {
      const input = nodeClass?.inputsByName.get(name);
      const isFile = nodeClass !== undefined && input !== undefined && listsFiles(nodeClass, input);
      if (!isFile || typeof value !== 'string') return [name, value];
      const replacement = names.get(value);
      if (replacement === undefined) return [name, value];
      used.add(value);
      return [name, replacement];
    });
    return [id, { ...node, inputs: toRecord(inputs) }] as const;
  });
  return { workflow: toRecord(renamed), used };
}

/** Where a workflow's parameters stand, and what they are. */
export type WorkflowParameters = RecipeFromWorkflow;

/** @throws ComfyError as `recipeFromWorkflow`. */
export function parametersOf(workflow: Workflow, registry: Registry, title: LocalText): WorkflowParameters {
  return recipeFromWorkflow(workflow, registry, {
    id: 'workflow',
    title,
    description: { en: '', zh: '' },
    promptLanguages: ['en', 'zh'],
  });
}

/** A workflow with other values of its parameters. */
export function withValues(
  workflow: Workflow,
  { inputs }: Pick<WorkflowParameters, 'inputs'>,
  values: Readonly<Record<string, Json>>,
): Workflow {
  const changed = new Map<string, Record<string, Json>>();
  for (const { parameter, node, input } of inputs) {
    const value = Object.hasOwn(values, parameter) ? values[parameter] : undefined;
    if (value === undefined) continue;
    changed.set(node, { ...changed.get(node), [input]: value });
  }
  return toRecord(
    Object.entries(workflow).map(([id, node]) => {
      const own = changed.get(id);
      return [
        id,
        own === undefined
          ? node
          : { ...node, inputs: toRecord([...Object.entries(node.inputs), ...Object.entries(own)]) },
      ] as const;
    }),
  );
}

/** The values that a workflow's parameters have now. */
export function valuesOf(workflow: Workflow, { inputs }: Pick<WorkflowParameters, 'inputs'>): Record<string, Json> {
  const values: Record<string, Json> = {};
  for (const { parameter, node, input } of inputs) {
    const value = workflow[node]?.inputs[input];
    if (value !== undefined && values[parameter] === undefined) values[parameter] = value;
  }
  return values;
}

/**
 * A workflow as a file that ComfyUI's front end opens, as JSON text.
 *
 * @throws ComfyError `malformed`, `too_large`.
 */
export function exportFrontend(workflowText: string, registry: Registry): string {
  const value = parseWorkflowText(workflowText);
  return stringifyJson(isFrontend(value) ? value : convertToFrontend(parseWorkflow(value), registry).workflow);
}
