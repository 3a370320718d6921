import type { Workflow } from '../graph/workflow.ts';
import { isModelFileName, modelFolderOf } from './models.ts';
import type { Registry } from './registry.ts';

/**
 * The model files that a workflow loads, as `folder/name`, sorted and without repeats: what a server must have besides the
 * node classes. Names as the loaders of `listModels` spell them.
 */
export function neededModels(workflow: Workflow, registry: Registry): string[] {
  const needed = new Set<string>();
  for (const node of Object.values(workflow)) {
    const nodeClass = registry.classes.get(node.class_type);
    if (nodeClass === undefined) continue;
    for (const [name, value] of Object.entries(node.inputs)) {
      if (typeof value !== 'string' || !isModelFileName(value)) continue;
      const input = nodeClass.inputsByName.get(name);
      const folder = input === undefined ? undefined : modelFolderOf(nodeClass, input);
      if (folder !== undefined) needed.add(`${folder}/${value}`);
    }
  }
  return [...needed].sort();
}
