import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';
import type { ComfyEvent, NodeProgress } from './comfy-event.ts';
import { parseFailure } from './finished-prompt.ts';
import { idText, jsonObject, numeric, optional } from './parse-answer.ts';

const promptId = z.string();

const status = z
  .looseObject({
    status: optional(z.looseObject({ exec_info: optional(z.looseObject({ queue_remaining: optional(numeric) })) })),
    sid: optional(z.string()),
  })
  .transform((data): ComfyEvent => ({
    type: 'status',
    queueRemaining: data.status?.exec_info?.queue_remaining,
    clientId: data.sid,
  }));

const executionStart = z
  .looseObject({ prompt_id: promptId, timestamp: optional(numeric) })
  .transform((data): ComfyEvent => ({
    type: 'execution_start',
    promptId: data.prompt_id,
    timestampMs: data.timestamp,
  }));

const executionCached = z
  .looseObject({ prompt_id: promptId, nodes: optional(z.array(idText)) })
  .transform((data): ComfyEvent => ({ type: 'execution_cached', promptId: data.prompt_id, nodeIds: data.nodes ?? [] }));

const executing = z
  .looseObject({ prompt_id: optional(promptId), node: optional(idText), display_node: optional(idText) })
  .transform((data): ComfyEvent => ({
    type: 'executing',
    promptId: data.prompt_id,
    nodeId: data.node ?? null,
    displayNodeId: data.display_node,
  }));

const progress = z
  .looseObject({ prompt_id: optional(promptId), node: optional(idText), value: numeric, max: numeric })
  .transform((data): ComfyEvent => ({
    type: 'progress',
    promptId: data.prompt_id,
    nodeId: data.node,
    value: data.value,
    max: data.max,
  }));

const nodeProgress = z.looseObject({
  value: numeric,
  max: numeric,
  state: z.enum(['pending', 'running', 'finished', 'error']),
  display_node_id: optional(idText),
});

const progressState = z.looseObject({ prompt_id: promptId, nodes: jsonObject }).transform((data): ComfyEvent => {
  const nodes = new Map<string, NodeProgress>();
  for (const [id, value] of Object.entries(data.nodes)) {
    const node = nodeProgress.safeParse(value);
    // One node in a form that is not known here does not hide the others.
    if (!node.success) continue;
    const { value: done, max, state, display_node_id: displayNodeId } = node.data;
    nodes.set(id, { value: done, max, state, displayNodeId: displayNodeId ?? id });
  }
  return { type: 'progress_state', promptId: data.prompt_id, nodes };
});

const executed = z
  .looseObject({
    prompt_id: promptId,
    node: idText,
    display_node: optional(idText),
    // Null when the node ran and had nothing to show.
    output: optional(jsonObject),
  })
  .transform((data): ComfyEvent => ({
    type: 'executed',
    promptId: data.prompt_id,
    nodeId: data.node,
    displayNodeId: data.display_node ?? data.node,
    output: data.output,
  }));

const executionSuccess = z
  .looseObject({ prompt_id: promptId })
  .transform((data): ComfyEvent => ({ type: 'execution_success', promptId: data.prompt_id }));

const executionError = z.looseObject({ prompt_id: promptId }).transform((data): ComfyEvent => ({
  type: 'execution_error',
  promptId: data.prompt_id,
  failure: parseFailure(data as Json, 'the execution_error message'),
}));

const executionInterrupted = z
  .looseObject({ prompt_id: promptId, node_id: optional(idText) })
  .transform((data): ComfyEvent => ({ type: 'execution_interrupted', promptId: data.prompt_id, nodeId: data.node_id }));

const featureFlags = jsonObject.transform((flags): ComfyEvent => ({ type: 'feature_flags', flags }));

const logs = z
  .looseObject({ entries: z.array(z.looseObject({ t: optional(z.string()), m: optional(z.string()) })) })
  .transform((data): ComfyEvent => ({
    type: 'logs',
    entries: data.entries.map((entry) => ({ at: entry.t ?? '', message: entry.m ?? '' })),
  }));

const parsers = new Map<string, z.ZodType<ComfyEvent>>(
  Object.entries({
    status,
    execution_start: executionStart,
    execution_cached: executionCached,
    executing,
    progress,
    progress_state: progressState,
    executed,
    execution_success: executionSuccess,
    execution_error: executionError,
    execution_interrupted: executionInterrupted,
    feature_flags: featureFlags,
    logs,
  }),
);

/**
 * Reads one text message of ComfyUI's socket.
 *
 * Never throws: what cannot be read is an `unknown` event, since one odd message of a custom node must not end a run.
 */
export function parseEvent(text: string): ComfyEvent {
  let message: Json;
  try {
    message = parseJson(text);
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    return { type: 'unknown', name: '', data: undefined };
  }
  if (!isJsonObject(message)) return { type: 'unknown', name: '', data: message };
  const name = message['type'];
  const data = message['data'];
  if (typeof name !== 'string') return { type: 'unknown', name: '', data: message };
  try {
    const event = parsers.get(name)?.safeParse(data);
    if (event?.success === true) return event.data;
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
  }
  return { type: 'unknown', name, data };
}
