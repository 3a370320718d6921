import type { NodeId } from '../graph/workflow.ts';
import type { Json, JsonObject } from '../json/json.ts';
import type { ExecutionFailure } from './finished-prompt.ts';

/** How far one node is, in a `progress_state` event. */
export interface NodeProgress {
  value: number;
  max: number;
  state: 'pending' | 'running' | 'finished' | 'error';
  /** The node as the person knows it: for nodes made by expansion, the one that they came from. */
  displayNodeId: NodeId;
}

/**
 * What comes over ComfyUI's socket.
 *
 * Events of one prompt come in this order: execution_start, execution_cached, then for each node progress_state and executing,
 * progress and previews, executed for nodes with outputs; then execution_success, execution_error or
 * execution_interrupted, **after which** the history is written; then status and executing with node null.
 */
export type ComfyEvent =
  | { type: 'status'; queueRemaining: number | undefined; clientId: string | undefined }
  | { type: 'execution_start'; promptId: string; timestampMs: number | undefined }
  | { type: 'execution_cached'; promptId: string; nodeIds: NodeId[] }
  /** A node begins; null: the prompt has left the executor, however it ended. */
  | { type: 'executing'; promptId: string | undefined; nodeId: NodeId | null; displayNodeId: NodeId | undefined }
  | { type: 'progress'; promptId: string | undefined; nodeId: NodeId | undefined; value: number; max: number }
  /** All nodes that have begun. */
  | { type: 'progress_state'; promptId: string; nodes: ReadonlyMap<NodeId, NodeProgress> }
  | { type: 'executed'; promptId: string; nodeId: NodeId; displayNodeId: NodeId; output: JsonObject | undefined }
  | { type: 'execution_success'; promptId: string }
  | { type: 'execution_error'; promptId: string; failure: ExecutionFailure }
  | { type: 'execution_interrupted'; promptId: string; nodeId: NodeId | undefined }
  | { type: 'feature_flags'; flags: JsonObject }
  /** The server's log lines, for sockets that asked for them. */
  | { type: 'logs'; entries: { at: string; message: string }[] }
  | PreviewEvent
  /** A text that a node shows while it runs. */
  | { type: 'progress_text'; nodeId: NodeId; text: string }
  /** A message of a kind that is not known here (a custom node's, a later version's) or that could not be read. */
  | { type: 'unknown'; name: string; data: Json | undefined };

/** A picture of the work in progress. */
export interface PreviewEvent {
  type: 'preview';
  /** Undefined for servers that send previews without metadata: then it belongs to the prompt that runs. */
  promptId: string | undefined;
  nodeId: NodeId | undefined;
  /** `image/jpeg` or `image/png`. */
  mimeType: string;
  image: Uint8Array;
}

/** The prompt that an event is about, where it says. */
export function promptIdOf(event: ComfyEvent): string | undefined {
  return 'promptId' in event ? event.promptId : undefined;
}
