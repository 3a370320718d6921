import type { Json } from '../json/json.ts';

/** A node's key in a workflow in API format, such as `"3"` or `"12:7"`. */
export type NodeId = string;

/** A link in API format: the node that is the source, and the index of its output slot. */
export type Link = [NodeId, number];

/** One node of a workflow in API format. An input is a literal or a {@link Link}. */
export interface WorkflowNode {
  class_type: string;
  inputs: Record<string, Json>;
  _meta?: { title?: string };
}

/** A workflow in ComfyUI's API format: what `POST /prompt` takes as `prompt`. Treated as immutable. */
export type Workflow = Readonly<Record<NodeId, Readonly<WorkflowNode>>>;

/**
 * Whether an input value is a link, by ComfyUI's own rule (`graph_utils.is_link`): a list of two whose first element
 * is a string and whose second is a number.
 */
export function isLink(value: Json | undefined): value is Link {
  return Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
}
