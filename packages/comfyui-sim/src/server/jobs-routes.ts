import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { PromptQueue } from '../queue/prompt-queue.ts';
import type { VersionTraits } from '../version/sim-version.ts';
import { canonicalUuid } from './canonical-uuid.ts';
import { jsonAnswer } from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';
import { finishedJob, jobDetails, queuedJob, workflowIdOf } from './job-json.ts';

export interface JobsRouteDependencies {
  queue: PromptQueue;
  traits: VersionTraits;
  interrupt: () => void;
}

interface JobsQuery {
  statuses: readonly string[];
  workflowId: string | null;
  sortBy: string;
  direction: 1 | -1;
  limit: number | null;
  offset: number;
}

function refused(error: string): HttpAnswer {
  return jsonAnswer({ error }, 400);
}

function integerOf(text: string): number | undefined {
  return /^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** Reads the query as server.py does, or gives its refusal. */
function parseJobsQuery(query: URLSearchParams, known: readonly string[]): JobsQuery | HttpAnswer {
  const asked = query.get('status') ?? '';
  const statuses = asked.split(',').flatMap((status) => (status.trim() === '' ? [] : [status.trim().toLowerCase()]));
  const unknown = statuses.filter((status) => !known.includes(status));
  if (unknown.length > 0) {
    return refused(`Invalid status value(s): ${unknown.join(', ')}. Valid values: ${known.join(', ')}`);
  }
  const sortBy = (query.get('sort_by') ?? 'created_at').toLowerCase();
  if (sortBy !== 'created_at' && sortBy !== 'execution_duration') {
    return refused("sort_by must be 'created_at' or 'execution_duration'");
  }
  const order = (query.get('sort_order') ?? 'desc').toLowerCase();
  if (order !== 'asc' && order !== 'desc') return refused("sort_order must be 'asc' or 'desc'");
  const limitText = query.get('limit');
  const limit = limitText === null ? null : integerOf(limitText);
  if (limit === undefined) return refused('limit must be an integer');
  if (limit !== null && limit <= 0) return refused('limit must be a positive integer');
  const offset = integerOf(query.get('offset') ?? '0');
  if (offset === undefined) return refused('offset must be an integer');
  return {
    statuses: asked === '' ? known : statuses,
    workflowId: query.get('workflow_id'),
    sortBy,
    direction: order === 'asc' ? 1 : -1,
    limit,
    offset: Math.max(0, offset),
  };
}

function sortKey(job: JsonObject, sortBy: string): number {
  const number = (value: Json | undefined): number => (typeof value === 'number' ? value : 0);
  const [start, end] = [number(job['execution_start_time']), number(job['execution_end_time'])];
  if (sortBy === 'execution_duration') return start > 0 && end > 0 ? end - start : 0;
  return number(job['create_time']);
}

/** `/api/jobs` of 0.8.0 (recorded), and its cancel of 0.38 (from its source). */
export function createJobsRoutes({ queue, traits, interrupt }: JobsRouteDependencies): Route {
  const known = ['pending', 'in_progress', 'completed', 'failed', ...(traits.cancelsJobs ? ['cancelled'] : [])];

  function list(query: URLSearchParams): HttpAnswer {
    const asked = parseJobsQuery(query, known);
    if ('status' in asked) return asked;
    const { statuses, workflowId, limit, offset } = asked;
    const isWanted = (item: Parameters<typeof workflowIdOf>[0]): boolean =>
      workflowId === null || workflowId === '' || workflowIdOf(item) === workflowId;
    const running = queue
      .running()
      .filter(isWanted)
      .map((item) => queuedJob(item, 'in_progress', traits));
    const pending = queue
      .pending()
      .filter(isWanted)
      .map((item) => queuedJob(item, 'pending', traits));
    const finished = [...queue.history().values()].flatMap((entry) =>
      isWanted(entry.item) ? [finishedJob(entry, traits)] : [],
    );
    const all = [...running, ...pending, ...finished]
      .filter((job) => statuses.some((status) => status === job['status']))
      .sort((a, b) => asked.direction * (sortKey(a, asked.sortBy) - sortKey(b, asked.sortBy)));
    const jobs = all.slice(offset, limit === null ? undefined : offset + limit);
    const pagination = { offset, limit, total: all.length, has_more: offset + jobs.length < all.length };
    return jsonAnswer({ jobs, pagination });
  }

  function one(id: string): HttpAnswer {
    const entry = queue.history().get(id);
    if (entry !== undefined) return jsonAnswer(jobDetails(entry, traits));
    const running = queue.running().find((item) => item.promptId === id);
    if (running !== undefined) return jsonAnswer(queuedJob(running, 'in_progress', traits));
    const pending = queue.pending().find((item) => item.promptId === id);
    if (pending !== undefined) return jsonAnswer(queuedJob(pending, 'pending', traits));
    return jsonAnswer({ error: 'Job not found' }, 404);
  }

  /** Takes the job out of the queue or interrupts it, in one step. Finished and unknown ones are left alone, without an error. */
  function cancel(id: string): boolean {
    if (!queue.running().some((item) => item.promptId === id)) return queue.deletePending(id);
    interrupt();
    return true;
  }

  async function cancelMany(exchange: HttpExchange): Promise<HttpAnswer> {
    let body: Json;
    try {
      body = parseJson((await exchange.readBody()).toString('utf8'));
    } catch (error) {
      if (error instanceof ComfyError) return refused('Request body must be valid JSON');
      throw error;
    }
    const ids = typeof body === 'object' && body !== null && !Array.isArray(body) ? body['job_ids'] : undefined;
    if (!Array.isArray(ids)) return refused('job_ids must be a list');
    const wrong = ids.filter((id) => typeof id !== 'string' || !canonicalUuid.test(id));
    if (wrong.length > 0) return jsonAnswer({ error: 'job_ids contains invalid id(s)', invalid_ids: wrong }, 400);
    const cancelled = ids.map((id) => typeof id === 'string' && cancel(id)).some(Boolean);
    return jsonAnswer({ cancelled });
  }

  return (exchange) => {
    const { method, path } = exchange;
    if (!traits.hasJobs || !exchange.isUnderApi) return undefined;
    if (method === 'GET' && path === '/jobs') return list(exchange.query);
    if (traits.cancelsJobs && method === 'POST' && path === '/jobs/cancel') return cancelMany(exchange);
    const match = /^\/jobs\/([^/]+)(\/cancel)?$/.exec(path);
    if (match?.[1] === undefined) return undefined;
    if (match[2] === undefined) return method === 'GET' ? one(match[1]) : undefined;
    return method === 'POST' && traits.cancelsJobs ? jsonAnswer({ cancelled: cancel(match[1]) }) : undefined;
  };
}
