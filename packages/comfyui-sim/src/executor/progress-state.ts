import type { NodeId } from '@atelier/comfyui/graph/workflow';
import type { JsonObject } from '@atelier/comfyui/json/json';

interface NodeProgress {
  value: number;
  max: number;
  state: 'running' | 'finished' | 'error';
}

/** Who a node is, as progress and preview messages say it. */
export interface NodeIdentity {
  display_node_id: string;
  parent_node_id: string | null;
  real_node_id: string;
}

/** The state behind `progress_state`: every started node of the running prompt. */
export interface ProgressState {
  start: (id: NodeId) => void;
  update: (id: NodeId, value: number, max: number) => void;
  finish: (id: NodeId) => void;
  /** The message's `data`. */
  json: () => JsonObject;
}

export function createProgressState(promptId: string, identity: (id: NodeId) => NodeIdentity): ProgressState {
  const nodes = new Map<NodeId, NodeProgress>();
  return {
    start: (id) => {
      nodes.set(id, { value: 0, max: 1, state: 'running' });
    },
    update: (id, value, max) => {
      nodes.set(id, { value, max, state: 'running' });
    },
    finish: (id) => {
      const max = nodes.get(id)?.max ?? 1;
      nodes.set(id, { value: max, max, state: 'finished' });
    },
    json: () => ({
      prompt_id: promptId,
      nodes: Object.fromEntries(
        [...nodes].map(([id, { value, max, state }]) => [
          id,
          { value, max, state, node_id: id, prompt_id: promptId, ...identity(id) },
        ]),
      ),
    }),
  };
}
