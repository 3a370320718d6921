import type { NodeId, Workflow, WorkflowNode } from './workflow.ts';
import { isLink } from './workflow.ts';

/** One edge: output `slot` of `from` feeds `input` of `to`. */
export interface WorkflowLink {
  from: NodeId;
  slot: number;
  to: NodeId;
  input: string;
}

/** The node with this id, never something inherited from a prototype. */
export function nodeOf(workflow: Workflow, id: NodeId): Readonly<WorkflowNode> | undefined {
  return Object.hasOwn(workflow, id) ? workflow[id] : undefined;
}

/** A node's input value, never something inherited from a prototype. */
export function inputOf(node: Readonly<WorkflowNode>, name: string): WorkflowNode['inputs'][string] | undefined {
  return Object.hasOwn(node.inputs, name) ? node.inputs[name] : undefined;
}

/** The links that enter one node, in the order of its inputs. */
export function linksInto(workflow: Workflow, id: NodeId): WorkflowLink[] {
  const node = nodeOf(workflow, id);
  if (node === undefined) return [];
  const links: WorkflowLink[] = [];
  for (const [input, value] of Object.entries(node.inputs)) {
    if (isLink(value)) links.push({ from: value[0], slot: value[1], to: id, input });
  }
  return links;
}

/** Every link of a workflow, also those whose source does not exist. */
export function workflowLinks(workflow: Workflow): WorkflowLink[] {
  return Object.keys(workflow).flatMap((id) => linksInto(workflow, id));
}
