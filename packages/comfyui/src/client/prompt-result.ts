import type { NodeId } from '../graph/workflow.ts';
import type { ExecutionFailure, PromptOutputs } from './finished-prompt.ts';

/** How a prompt ended, or that this cannot be known any more. */
export type PromptResult =
  | {
      state: 'succeeded';
      outputs: PromptOutputs;
      /** `events`: the history was cleared in the instant after; the outputs are those that the socket showed. */
      source: 'history' | 'events';
      startedAtMs: number | undefined;
      endedAtMs: number | undefined;
    }
  | { state: 'failed'; failure: ExecutionFailure; outputs: PromptOutputs }
  | { state: 'interrupted'; nodeId: NodeId | undefined; outputs: PromptOutputs }
  | {
      state: 'lost';
      reason: LostReason;
      lastSeen: LastSeen;
      /** What the socket showed as done before. */
      outputs: PromptOutputs;
    };

/**
 * - `absent`: in neither queue nor history at two looks: ComfyUI forgot it, as a restart does.
 * - `silent`: in the running list, but no sign of life, also over a fresh socket: the executor is stuck or dead.
 * - `deadline`: the time given was over.
 */
export type LostReason = 'absent' | 'silent' | 'deadline';

/** What the last look said; `unreachable` when it got no answer. */
export type LastSeen = 'running' | 'pending' | 'absent' | 'unreachable' | 'unknown';
