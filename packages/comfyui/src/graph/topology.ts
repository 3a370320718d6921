import { ComfyError } from '../errors/comfy-error.ts';
import { linksInto, nodeOf } from './links.ts';
import { toRecord } from './parse-workflow.ts';
import type { NodeId, Workflow } from './workflow.ts';

interface Visit {
  id: NodeId;
  sources: NodeId[];
  next: number;
}

/**
 * Goes depth first through all nodes, sources before what needs them. Iterative, since a chain can be as long as the workflow.
 *
 * @returns the ids in that order, up to the first cycle that is met; that is in the direction of data flow, its first id repeated at the end.
 */
function visitAll(workflow: Workflow): { order: NodeId[]; cycle?: NodeId[] } {
  const done = new Set<NodeId>();
  for (const root of Object.keys(workflow)) {
    if (done.has(root)) continue;
    const path: Visit[] = [];
    const onPath = new Set<NodeId>();
    const enter = (id: NodeId): void => {
      onPath.add(id);
      path.push({ id, sources: linksInto(workflow, id).map((link) => link.from), next: 0 });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const source = top.sources[top.next];
      top.next += 1;
      if (source === undefined) {
        path.pop();
        onPath.delete(top.id);
        done.add(top.id);
      } else if (onPath.has(source)) {
        const start = path.findIndex((visit) => visit.id === source);
        const backwards = path.slice(start).map((visit) => visit.id);
        return { order: [...done], cycle: [source, ...backwards.toReversed()] };
      } else if (!done.has(source) && nodeOf(workflow, source) !== undefined) {
        enter(source);
      }
    }
  }
  return { order: [...done] };
}

/**
 * Finds one dependency cycle.
 *
 * @returns its node ids in the direction of data flow, the first one repeated at the end, or undefined.
 */
export function findCycle(workflow: Workflow): NodeId[] | undefined {
  return visitAll(workflow).cycle;
}

/**
 * Orders node ids so that each stands after all that it needs; otherwise the workflow's own order is kept.
 *
 * Links to nodes that do not exist are ignored.
 *
 * @throws ComfyError `invalid_value` naming the cycle.
 */
export function topologicalOrder(workflow: Workflow): NodeId[] {
  const { order, cycle } = visitAll(workflow);
  if (cycle !== undefined) {
    throw new ComfyError('invalid_value', `The workflow has a cycle: ${cycle.join(' → ')}.`, {
      hint: 'Remove one of these links: a node cannot need its own result.',
    });
  }
  return order;
}

/** The ids of all that the given nodes need, themselves included. Unknown ids are left out; cycles are harmless. */
export function ancestorsOf(workflow: Workflow, roots: Iterable<NodeId>): Set<NodeId> {
  const found = new Set<NodeId>();
  const open = [...roots];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id) || nodeOf(workflow, id) === undefined) continue;
    found.add(id);
    for (const link of linksInto(workflow, id)) open.push(link.from);
  }
  return found;
}

/**
 * The part of a workflow that the given nodes need, ids unchanged.
 *
 * @throws ComfyError `unknown_name` for an id that the workflow does not have.
 */
export function subWorkflow(workflow: Workflow, outputs: readonly NodeId[]): Workflow {
  for (const id of outputs) {
    if (nodeOf(workflow, id) === undefined) {
      throw new ComfyError('unknown_name', `The workflow has no node "${id}".`);
    }
  }
  const wanted = ancestorsOf(workflow, outputs);
  return toRecord(Object.entries(workflow).filter(([id]) => wanted.has(id)));
}
