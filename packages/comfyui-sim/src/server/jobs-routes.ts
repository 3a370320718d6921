import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { historyJson } from '../queue/prompt-queue.ts';
import type { HistoryEntry, PromptQueue, QueuedPrompt } from '../queue/prompt-queue.ts';
import type { VersionTraits } from '../version/sim-version.ts';
import { jsonAnswer } from './http-exchange.ts';
import type { HttpAnswer, Route } from './http-exchange.ts';

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
function workflowId(item: QueuedPrompt): JsonObject {
  const info = item.extraData['extra_pnginfo'];
  const workflow = isObject(info) ? info['workflow'] : undefined;
  const id = isObject(workflow) ? workflow['id'] : undefined;
  return id === undefined || id === null ? {} : { workflow_id: id };
}

function queuedJob(item: QueuedPrompt, status: string): JsonObject {
  return { ...common(item, status), outputs_count: 0, ...workflowId(item) };
}

function outputsSummary(outputs: JsonObject): { count: number; preview: JsonObject | undefined } {
  let count = 0;
  let preview: JsonObject | undefined;
  let fallback: JsonObject | undefined;
  for (const [nodeId, node] of Object.entries(outputs)) {
    for (const [mediaType, files] of Object.entries(isObject(node) ? node : {})) {
      if (mediaType === 'animated' || !Array.isArray(files)) continue;
      for (const file of files.filter(isObject)) {
        count += 1;
        if (!previewable.has(mediaType)) continue;
        const shown = { ...file, nodeId, mediaType };
        if (file['type'] === 'output') preview ??= shown;
        else fallback ??= shown;
      }
    }
  }
  return { count, preview: preview ?? fallback };
}

function finishedStatus(entry: HistoryEntry, traits: VersionTraits): string {
  if (entry.succeeded) return 'completed';
  return traits.cancelsJobs && entry.messages.some(([name]) => name === 'execution_interrupted')
    ? 'cancelled'
    : 'failed';
}

function finishedJob(entry: HistoryEntry, traits: VersionTraits): JsonObject {
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
  const { count, preview } = outputsSummary(entry.outputs);
  job['outputs_count'] = count;
  if (preview !== undefined) job['preview_output'] = preview;
  return { ...job, ...workflowId(entry.item) };
}

function jobDetails(entry: HistoryEntry, traits: VersionTraits): JsonObject {
  const shown = historyJson(entry);
  return {
    ...finishedJob(entry, traits),
    outputs: entry.outputs,
    execution_status: shown['status'] ?? null,
    workflow: { prompt: entry.item.prompt, extra_data: entry.item.extraData },
  };
}

function numberOf(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

export interface JobsRouteDependencies {
  queue: PromptQueue;
  traits: VersionTraits;
  interrupt: () => void;
}

/** `/api/jobs` of 0.8.0 (comfy_execution/jobs.py), and its cancel of 0.38. */
export function createJobsRoutes({ queue, traits, interrupt }: JobsRouteDependencies): Route {
  const statuses = ['pending', 'in_progress', 'completed', 'failed', ...(traits.cancelsJobs ? ['cancelled'] : [])];

  function list(query: URLSearchParams): HttpAnswer {
    const wanted =
      query
        .get('status')
        ?.split(',')
        .map((status) => status.trim().toLowerCase()) ?? statuses;
    const unknown = wanted.filter((status) => !statuses.includes(status));
    if (unknown.length > 0)
      return jsonAnswer(
        { error: `Invalid status value(s): ${unknown.join(', ')}. Must be one of: ${statuses.join(', ')}` },
        400,
      );
    const limitText = query.get('limit');
    const limit = limitText === null ? null : Number(limitText);
    const offset = Number(query.get('offset') ?? 0);
    if ((limit !== null && (!Number.isInteger(limit) || limit <= 0)) || !Number.isInteger(offset) || offset < 0) {
      return jsonAnswer({ error: 'limit must be a positive integer and offset must not be negative' }, 400);
    }
    const all = [
      ...(wanted.includes('in_progress') ? queue.running().map((item) => queuedJob(item, 'in_progress')) : []),
      ...(wanted.includes('pending') ? queue.pending().map((item) => queuedJob(item, 'pending')) : []),
      ...[...queue.history().values()]
        .map((entry) => finishedJob(entry, traits))
        .filter((job) => wanted.some((status) => status === job['status'])),
    ];
    const key = (job: JsonObject): number =>
      query.get('sort_by') === 'execution_duration'
        ? numberOf(job['execution_end_time']) - numberOf(job['execution_start_time'])
        : numberOf(job['create_time']);
    const direction = query.get('sort_order') === 'asc' ? 1 : -1;
    const jobs = all
      .sort((a, b) => direction * (key(a) - key(b)))
      .slice(offset, limit === null ? undefined : offset + limit);
    return jsonAnswer({
      jobs,
      pagination: { offset, limit, total: all.length, has_more: offset + jobs.length < all.length },
    });
  }

  function one(id: string): HttpAnswer {
    const entry = queue.history().get(id);
    if (entry !== undefined) return jsonAnswer(jobDetails(entry, traits));
    const running = queue.running().find((item) => item.promptId === id);
    if (running !== undefined) return jsonAnswer(queuedJob(running, 'in_progress'));
    const pending = queue.pending().find((item) => item.promptId === id);
    return pending === undefined
      ? jsonAnswer({ error: 'Job not found' }, 404)
      : jsonAnswer(queuedJob(pending, 'pending'));
  }

  /** Takes the job out of the queue or interrupts it, in one step. */
  function cancel(id: string): HttpAnswer {
    if (queue.running().some((item) => item.promptId === id)) {
      interrupt();
      return jsonAnswer({ cancelled: true });
    }
    if (queue.deletePending(id)) return jsonAnswer({ cancelled: true });
    return queue.history().has(id) ? jsonAnswer({ cancelled: false }) : jsonAnswer({ error: 'Job not found' }, 404);
  }

  return ({ method, path, query, isUnderApi }) => {
    if (!traits.hasJobs || !isUnderApi) return undefined;
    if (method === 'GET' && path === '/jobs') return list(query);
    const match = /^\/jobs\/([^/]+)(\/cancel)?$/.exec(path);
    if (match?.[1] === undefined) return undefined;
    if (match[2] === undefined) return method === 'GET' ? one(match[1]) : undefined;
    return method === 'POST' && traits.cancelsJobs ? cancel(match[1]) : undefined;
  };
}
