import { isLink } from '../graph/workflow.ts';
import type { NodeId, Workflow, WorkflowNode } from '../graph/workflow.ts';
import type { ComfyEvent } from './comfy-event.ts';

/** How far a prompt is. */
export interface PromptProgress {
  promptId: string;
  /** The node that runs, as the workflow names it; undefined between nodes. */
  nodeId: NodeId | undefined;
  /** Its class, where the workflow is known: "KSampler" tells a person more than "3". */
  classType: string | undefined;
  /** Steps of that node; 0 of 1 for nodes that do not count. */
  value: number;
  max: number;
  /** Nodes that are finished or were taken from the cache. */
  nodesDone: number;
  /** Nodes of the workflow that this run needs; undefined without the workflow. */
  nodesTotal: number | undefined;
  /** Of the whole run, from 0 to 1, never falling; undefined without the workflow. An estimate: sampling steps weigh most. */
  fraction: number | undefined;
}

export interface ProgressTrackerOptions {
  promptId: string;
  workflow?: Workflow | undefined;
  /** The outputs that run, where some were refused or left out; all nodes count otherwise. */
  outputNodeIds?: readonly NodeId[] | undefined;
}

/** Turns the events of one prompt, of any version and in any order, into one kind of progress. */
export interface ProgressTracker {
  /** Takes an event of this prompt. @returns the progress if the event changed it. */
  take(event: ComfyEvent): PromptProgress | undefined;
  /** The last progress with everything done. */
  finish(): PromptProgress;
}

/** Builds a tracker for one run of one prompt. */
export function createProgressTracker(options: ProgressTrackerOptions): ProgressTracker {
  const { promptId, workflow } = options;
  const weights = workflow === undefined ? undefined : nodeWeights(workflow, options.outputNodeIds);
  const totalWeight = weights === undefined ? 0 : [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  const done = new Set<NodeId>();
  const running = new Map<NodeId, { value: number; max: number }>();
  let at: NodeId | undefined;
  let fraction = 0;
  let last = '';

  function begin(id: NodeId): void {
    at = id;
    if (!running.has(id)) running.set(id, { value: 0, max: 1 });
  }

  function complete(id: NodeId): void {
    done.add(id);
    running.delete(id);
    if (at === id) at = undefined;
  }

  function current(): PromptProgress {
    const step = at === undefined ? undefined : running.get(at);
    return {
      promptId,
      nodeId: at,
      classType: at === undefined ? undefined : nodeAt(workflow, at)?.class_type,
      value: step?.value ?? 0,
      max: step?.max ?? 1,
      nodesDone: weights === undefined ? done.size : countIn(done, weights),
      nodesTotal: weights?.size,
      fraction: weights === undefined ? undefined : fraction,
    };
  }

  function changed(): PromptProgress | undefined {
    if (weights !== undefined && totalWeight > 0) {
      let sum = 0;
      for (const [id, weight] of weights) {
        const step = running.get(id);
        if (done.has(id)) sum += weight;
        else if (step !== undefined) sum += (weight * step.value) / step.max;
      }
      fraction = Math.max(fraction, Math.min(1, sum / totalWeight));
    }
    const progress = current();
    const key = JSON.stringify(progress);
    if (key === last) return undefined;
    last = key;
    return progress;
  }

  function take(event: ComfyEvent): PromptProgress | undefined {
    switch (event.type) {
      case 'execution_start':
        return changed();
      case 'execution_cached':
        for (const id of event.nodeIds) complete(id);
        return changed();
      case 'executing':
        if (event.nodeId !== null) begin(event.displayNodeId ?? event.nodeId);
        return event.nodeId === null ? undefined : changed();
      case 'progress': {
        const id = event.nodeId ?? at;
        // The nodes made by expansion count within the node that a person knows; `progress_state` names both.
        if (id === undefined || nodeAt(workflow, id) === undefined) return undefined;
        running.set(id, stepOf(event));
        at = id;
        return changed();
      }
      case 'progress_state':
        for (const [id, node] of event.nodes) {
          const shown = node.displayNodeId;
          if (node.state === 'running') {
            at = shown;
            running.set(shown, stepOf(node));
          } else if (node.state === 'finished' && shown === id) {
            complete(id);
          }
        }
        return changed();
      case 'executed':
        complete(event.displayNodeId);
        return changed();
      default:
        return undefined;
    }
  }

  return {
    take,
    finish: () => {
      at = undefined;
      fraction = 1;
      for (const id of weights?.keys() ?? []) done.add(id);
      return current();
    },
  };
}

function nodeAt(workflow: Workflow | undefined, id: NodeId): Readonly<WorkflowNode> | undefined {
  return workflow !== undefined && Object.hasOwn(workflow, id) ? workflow[id] : undefined;
}

/** What a node says of itself, made sane: custom nodes count past their end, and some divide by zero. */
function stepOf(said: { value: number; max: number }): { value: number; max: number } {
  if (!Number.isFinite(said.value) || !Number.isFinite(said.max) || said.max <= 0) return { value: 0, max: 1 };
  return { value: Math.min(said.max, Math.max(0, said.value)), max: said.max };
}

function countIn(ids: ReadonlySet<NodeId>, weights: ReadonlyMap<NodeId, number>): number {
  let count = 0;
  for (const id of ids) if (weights.has(id)) count += 1;
  return count;
}

/**
 * What share of the time a node may take: a sampler as many units as it has steps, a loader a few, anything else one. Rough on
 * purpose: it moves a bar; estimates of time are made from measured runs.
 */
function nodeWeights(workflow: Workflow, outputs: readonly NodeId[] | undefined): Map<NodeId, number> {
  const weights = new Map<NodeId, number>();
  const open = outputs === undefined ? Object.keys(workflow) : [...outputs];
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const node = nodeAt(workflow, id);
    if (node === undefined || weights.has(id)) continue;
    weights.set(id, weightOf(node));
    for (const input of Object.values(node.inputs)) if (isLink(input)) open.push(input[0]);
  }
  return weights;
}

function weightOf(node: Readonly<WorkflowNode>): number {
  const steps = node.inputs['steps'];
  if (typeof steps === 'number' && steps >= 1) return Math.min(steps, 1_000) * 2;
  return /Loader/.test(node.class_type) ? 3 : 1;
}
