import type { NodeId, WorkflowNode } from '@atelier/comfyui/graph/workflow';
import { isLink } from '@atelier/comfyui/graph/workflow';
import type { Json } from '@atelier/comfyui/json/json';

/** What the list needs to know of the graph, which may grow while it runs. */
export interface ExecutionGraph {
  node: (id: NodeId) => Readonly<WorkflowNode> | undefined;
  isOutput: (id: NodeId) => boolean;
  /** Classes that run asynchronously (those that call a service) are started as early as outputs. */
  isAsync: (id: NodeId) => boolean;
  isLazyInput: (id: NodeId, input: string) => boolean;
}

/**
 * The nodes still to run, in ComfyUI's order (`ExecutionList` of comfy_execution/graph.py, 0.3.64 to 0.8.0).
 *
 * A node is pending until completed; it is ready when no pending node blocks it. A staged node can go back to pending with
 * new links (lazy inputs, expansion).
 */
export interface ExecutionList {
  add: (id: NodeId) => void;
  /** Makes `to` wait for `from`, adding `from` when it is not there. */
  addLink: (from: NodeId, to: NodeId) => void;
  isEmpty: () => boolean;
  /** The node to run next; undefined when all that is left waits in a cycle. */
  pick: () => NodeId | undefined;
  complete: (id: NodeId) => void;
  pending: () => readonly NodeId[];
}

/** @param isCached whether a node's outputs are at hand, so that it need not run for others. */
export function createExecutionList(graph: ExecutionGraph, isCached: (id: NodeId) => boolean): ExecutionList {
  /** By node: those it waits for, and those that wait for it. Insertion order decides among ready nodes. */
  const blockers = new Map<NodeId, Set<NodeId>>();
  const blocking = new Map<NodeId, Set<NodeId>>();

  function addLink(from: NodeId, to: NodeId): void {
    if (isCached(from)) return;
    add(from);
    blocking.get(from)?.add(to);
    blockers.get(to)?.add(from);
  }

  function add(first: NodeId): void {
    const open = [first];
    const links: [NodeId, NodeId][] = [];
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      const node = graph.node(id);
      if (node === undefined || blockers.has(id)) continue;
      blockers.set(id, new Set());
      blocking.set(id, new Set());
      for (const [input, value] of Object.entries<Json>(node.inputs)) {
        if (!isLink(value) || graph.isLazyInput(id, input)) continue;
        if (!isCached(value[0])) open.push(value[0]);
        links.push([value[0], id]);
      }
    }
    for (const [from, to] of links) addLink(from, to);
  }

  function pick(): NodeId | undefined {
    const ready = [...blockers].filter(([, waitsFor]) => waitsFor.size === 0).map(([id]) => id);
    const blocked = (id: NodeId): NodeId[] => [...(blocking.get(id) ?? [])];
    return (
      ready.find((id) => graph.isOutput(id) || graph.isAsync(id)) ??
      ready.find((id) => blocked(id).some((next) => graph.isOutput(next))) ??
      ready.find((id) => blocked(id).some((next) => blocked(next).some((second) => graph.isOutput(second)))) ??
      ready[0]
    );
  }

  return {
    add,
    addLink,
    isEmpty: () => blockers.size === 0,
    pick,
    complete: (id) => {
      for (const from of blockers.get(id) ?? []) blocking.get(from)?.delete(id);
      for (const to of blocking.get(id) ?? []) blockers.get(to)?.delete(id);
      blockers.delete(id);
      blocking.delete(id);
    },
    pending: () => [...blockers.keys()],
  };
}
