import { inputOf } from '../graph/links.ts';
import type { Workflow, WorkflowNode } from '../graph/workflow.ts';
import { inputsInUse } from '../validate/expand-inputs.ts';
import { isModelFileName, modelFolderOf, type ModelFolder } from './models.ts';
import type { NodeClass, Registry } from './registry.ts';

/** The names that a node gives to inputs which list model files, those of dynamic inputs included. */
export function modelFilesOf(
  nodeClass: NodeClass,
  node: Readonly<WorkflowNode>,
): { folder: ModelFolder; file: string }[] {
  return inputsInUse(nodeClass, node).flatMap(({ name, input }) => {
    const file = inputOf(node, name);
    const folder = typeof file === 'string' ? modelFolderOf(nodeClass, input) : undefined;
    return typeof file === 'string' && folder !== undefined ? [{ folder, file }] : [];
  });
}

/**
 * The model files that a workflow loads, as `folder/name`, sorted and without repeats: what a server must have besides the
 * node classes. Names as the loaders of `listModels` spell them.
 */
export function neededModels(workflow: Workflow, registry: Registry): string[] {
  const needed = new Set<string>();
  for (const node of Object.values(workflow)) {
    const nodeClass = registry.classes.get(node.class_type);
    if (nodeClass === undefined) continue;
    for (const { folder, file } of modelFilesOf(nodeClass, node)) {
      if (isModelFileName(file)) needed.add(`${folder}/${file}`);
    }
  }
  return [...needed].sort();
}
