import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { historyJson } from '../queue/prompt-queue.ts';
import type { HistoryEntry, QueuedPrompt } from '../queue/prompt-queue.ts';
import type { VersionTraits } from '../version/sim-version.ts';

const previewable = new Set(['images', 'video', 'audio']);

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function common(item: QueuedPrompt, status: string): JsonObject {
  const job: JsonObject = { id: item.promptId, status, priority: item.number };
  const createTime = item.extraData['create_time'];
  if (createTime !== undefined) job['create_time'] = createTime;
  return job;
}

/** The front end's workflow id, where the poster sent one. */
export function workflowIdOf(item: QueuedPrompt): Json | undefined {
  const info = item.extraData['extra_pnginfo'];
  const workflow = isObject(info) ? info['workflow'] : undefined;
  return isObject(workflow) ? (workflow['id'] ?? undefined) : undefined;
}

function workflowId(item: QueuedPrompt): JsonObject {
  const id = workflowIdOf(item);
  return id === undefined ? {} : { workflow_id: id };
}

/** A job that waits or runs. */
export function queuedJob(item: QueuedPrompt, status: 'pending' | 'in_progress', traits: VersionTraits): JsonObject {
  return {
    ...common(item, status),
    outputs_count: 0,
    ...(traits.cancelsJobs ? { previewable_outputs_count: 0 } : {}),
    ...workflowId(item),
  };
}

interface OutputsSummary {
  count: number;
  previewableCount: number;
  preview: JsonObject | undefined;
}

function summarise(outputs: JsonObject): OutputsSummary {
  const summary: OutputsSummary = { count: 0, previewableCount: 0, preview: undefined };
  let fallback: JsonObject | undefined;
  for (const [nodeId, node] of Object.entries(outputs)) {
    for (const [mediaType, files] of Object.entries(isObject(node) ? node : {})) {
      if (mediaType === 'animated' || !Array.isArray(files)) continue;
      for (const file of files.filter(isObject)) {
        summary.count += 1;
        if (!previewable.has(mediaType)) continue;
        summary.previewableCount += 1;
        const shown = { ...file, nodeId, mediaType };
        if (file['type'] === 'output') summary.preview ??= shown;
        else fallback ??= shown;
      }
    }
  }
  return { ...summary, preview: summary.preview ?? fallback };
}

function finishedStatus(entry: HistoryEntry, traits: VersionTraits): string {
  if (entry.succeeded) return 'completed';
  const wasInterrupted = entry.messages.some(([name]) => name === 'execution_interrupted');
  return traits.cancelsJobs && wasInterrupted ? 'cancelled' : 'failed';
}

/** A job in history (comfy_execution/jobs.py: 0.8.0 recorded, 0.38 from its source). */
export function finishedJob(entry: HistoryEntry, traits: VersionTraits): JsonObject {
  const job = common(entry.item, finishedStatus(entry, traits));
  let failure: JsonObject | undefined;
  for (const [name, data] of entry.messages) {
    if (name === 'execution_start') job['execution_start_time'] = data['timestamp'] ?? null;
    if (name === 'execution_success' || name === 'execution_error' || name === 'execution_interrupted') {
      job['execution_end_time'] = data['timestamp'] ?? null;
    }
    if (name === 'execution_error') failure = data;
  }
  if (failure !== undefined) job['execution_error'] = failure;
  const { count, previewableCount, preview } = summarise(entry.outputs);
  if (traits.cancelsJobs) {
    if (entry.succeeded) job['completion_status'] = 'success';
    job['has_errors'] = failure !== undefined;
    job['execution_error_count'] = failure === undefined ? 0 : 1;
  }
  job['outputs_count'] = count;
  if (traits.cancelsJobs) job['previewable_outputs_count'] = previewableCount;
  if (preview !== undefined) job['preview_output'] = preview;
  return { ...job, ...workflowId(entry.item) };
}

/** What `GET /api/jobs/{id}` says of a finished job. */
export function jobDetails(entry: HistoryEntry, traits: VersionTraits): JsonObject {
  return {
    ...finishedJob(entry, traits),
    outputs: entry.outputs,
    execution_status: historyJson(entry)['status'] ?? null,
    ...(traits.cancelsJobs ? { execution_errors: [] } : {}),
    workflow: { prompt: entry.item.prompt, extra_data: entry.item.extraData },
  };
}
