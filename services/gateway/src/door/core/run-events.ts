import type { JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { LiveProgress } from '@atelier/shared/contracts/live';
import type { DoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import type { JobFacts } from '../../core/jobs/to-job-view.ts';
import { errorData } from './history-entry.ts';
import { classTypeIn } from './judge-prompt.ts';
import { nodeOutputs } from './node-outputs.ts';

/** A message of ComfyUI's socket. */
export interface DoorMessage {
  type: string;
  data: JsonObject;
}

interface NodeState {
  value: number;
  max: number;
  state: 'running' | 'finished';
}

const startedStates: ReadonlySet<string> = new Set(['running', 'storing', 'succeeded']);

/**
 * The messages of one run in ComfyUI's order: start, cached, executing and progress of each node, executed of those with
 * outputs, the end, and `executing` of none. Rows say when a run begins and ends; live progress, which may be lost, says
 * what happens in between.
 */
export interface RunEvents {
  /** A stored change. `isOver`: nothing follows. */
  takeFacts(facts: JobFacts, texts: ReadonlyMap<string, string>): { messages: DoorMessage[]; isOver: boolean };
  takeProgress(progress: LiveProgress): DoorMessage[];
  /** What a socket that joins late is told: which node runs. */
  catchUp(): DoorMessage[];
  readonly node: string | undefined;
}

export function createRunEvents(prompt: DoorPrompt, now: () => number): RunEvents {
  const id = prompt.promptId;
  const nodes = new Map<string, NodeState>();
  let isStarted = false;
  let isOver = false;
  let node: string | undefined;

  function begin(): DoorMessage[] {
    if (isStarted) return [];
    isStarted = true;
    const timestamp = now();
    return [
      { type: 'execution_start', data: { prompt_id: id, timestamp } },
      { type: 'execution_cached', data: { nodes: [], prompt_id: id, timestamp } },
    ];
  }

  function executing(nodeId: string | null): DoorMessage {
    const display = nodeId === null ? {} : { display_node: nodeId };
    return { type: 'executing', data: { node: nodeId, ...display, prompt_id: id } };
  }

  function progressState(): DoorMessage {
    const shown = [...nodes].map(([nodeId, { value, max, state }]) => [
      nodeId,
      {
        value,
        max,
        state,
        node_id: nodeId,
        prompt_id: id,
        display_node_id: nodeId,
        parent_node_id: null,
        real_node_id: nodeId,
      },
    ]);
    return { type: 'progress_state', data: { prompt_id: id, nodes: Object.fromEntries(shown) as JsonObject } };
  }

  /** Nodes that ended, as far as was heard. */
  function done(): string[] {
    return [...nodes].flatMap(([nodeId, { state }]) => (state === 'finished' ? [nodeId] : []));
  }

  function finish(nodeId: string): void {
    const state = nodes.get(nodeId);
    if (state !== undefined) nodes.set(nodeId, { value: state.max, max: state.max, state: 'finished' });
  }

  return {
    get node() {
      return node;
    },
    takeFacts(facts, texts) {
      const { request, jobs } = facts;
      const messages = jobs.some((job) => startedStates.has(job.state)) && !isOver ? begin() : [];
      if (request.finishedAt === null || isOver) return { messages, isOver };
      isOver = true;
      const timestamp = request.finishedAt.getTime();
      if (request.state === 'succeeded') {
        for (const [nodeId, output] of Object.entries(nodeOutputs(jobs, request.id, texts))) {
          if (node !== nodeId) messages.push(executing(nodeId));
          node = nodeId;
          messages.push({ type: 'executed', data: { node: nodeId, display_node: nodeId, output, prompt_id: id } });
        }
        messages.push({ type: 'execution_success', data: { prompt_id: id, timestamp } });
      } else if (request.state === 'cancelled') {
        // What was deleted from the queue ends without a word, as in ComfyUI.
        if (!isStarted) return { messages, isOver };
        const where = { node_id: node ?? '', node_type: node === undefined ? '' : classOf(facts, node) };
        messages.push({
          type: 'execution_interrupted',
          data: { prompt_id: id, ...where, executed: done(), timestamp },
        });
      } else {
        const data = { ...errorData(prompt, facts), executed: done(), timestamp };
        messages.push(...begin(), { type: 'execution_error', data });
      }
      messages.push(executing(null));
      return { messages, isOver };
    },
    takeProgress({ nodeId, step, steps }) {
      if (isOver || nodeId === undefined) return [];
      const messages = begin();
      if (node !== nodeId) {
        if (node !== undefined) finish(node);
        node = nodeId;
        nodes.set(nodeId, { value: 0, max: 1, state: 'running' });
        messages.push(progressState(), executing(nodeId));
      }
      if (step !== undefined && steps !== undefined && steps > 0) {
        nodes.set(nodeId, { value: step, max: steps, state: 'running' });
        const progress = { value: step, max: steps, prompt_id: id, node: nodeId };
        messages.push(progressState(), { type: 'progress', data: progress });
      }
      return messages;
    },
    catchUp: () => (isStarted && !isOver && node !== undefined ? [executing(node)] : []),
  };
}

function classOf({ request }: JobFacts, nodeId: string): string {
  return request.body.kind === 'workflow' ? classTypeIn(parseJson(request.body.workflowText), nodeId) : '';
}
