import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json } from '../json/json.ts';
import type { Workflow, WorkflowNode } from './workflow.ts';

/** More nodes than any workflow that a person drew; a larger object is refused before it costs memory. */
const MAX_NODES = 10_000;

/** Gives an object that owns each entry as data, `__proto__` included, and nothing else. */
export function toRecord<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries(entries);
}

function parseNode(id: string, value: Json): WorkflowNode {
  if (!isJsonObject(value)) {
    throw new ComfyError('malformed', `Node "${id}" is not an object.`, {
      hint: 'Each node is {"class_type": …, "inputs": {…}}.',
    });
  }
  const classType = Object.hasOwn(value, 'class_type') ? value['class_type'] : undefined;
  if (typeof classType !== 'string' || classType === '') {
    throw new ComfyError('malformed', `Node "${id}" has no class_type.`, {
      hint: 'Export the workflow in API format: a front-end file has "nodes" and "links" instead.',
    });
  }
  const inputs = Object.hasOwn(value, 'inputs') ? value['inputs'] : {};
  if (!isJsonObject(inputs)) throw new ComfyError('malformed', `Node "${id}" has inputs that are not an object.`);
  const meta = Object.hasOwn(value, '_meta') ? value['_meta'] : undefined;
  const node: WorkflowNode = { class_type: classType, inputs: toRecord(Object.entries(inputs)) };
  if (isJsonObject(meta)) {
    const title = Object.hasOwn(meta, 'title') ? meta['title'] : undefined;
    node._meta = typeof title === 'string' ? { title } : {};
  }
  return node;
}

/**
 * Reads a workflow in API format.
 *
 * Only the shape is checked (nodes with a class and inputs), neither classes nor values: that is validation. Keys of
 * a node other than class_type, inputs and _meta.title are dropped.
 *
 * @throws ComfyError `malformed`, or `too_large` above 10,000 nodes.
 */
export function parseWorkflow(value: Json): Workflow {
  if (!isJsonObject(value)) throw new ComfyError('malformed', 'A workflow in API format is an object of nodes.');
  const entries = Object.entries(value);
  if (entries.length > MAX_NODES) {
    throw new ComfyError('too_large', `The workflow has ${entries.length} nodes; at most ${MAX_NODES} are read.`);
  }
  return toRecord(entries.map(([id, node]) => [id, parseNode(id, node)] as const));
}
