import { jobStatuses, type DoorJobStatus } from './job-entry.ts';

/** What `GET /api/jobs` asks for. */
export interface JobsQuery {
  statuses: readonly DoorJobStatus[];
  workflowId: string | undefined;
  sortBy: 'created_at' | 'execution_duration';
  isAscending: boolean;
  /** Null: all. */
  limit: number | null;
  offset: number;
}

/** Reads the query as ComfyUI does (server.py, 0.8.0), or gives the sentence with which it refuses. */
export function parseJobsQuery(query: URLSearchParams): JobsQuery | { error: string } {
  const given = (query.get('status') ?? '').split(',').map((status) => status.trim().toLowerCase());
  const asked = given.filter((status) => status !== '');
  const unknown = asked.filter((status) => !isStatus(status));
  if (unknown.length > 0) {
    return { error: `Invalid status value(s): ${unknown.join(', ')}. Valid values: ${jobStatuses.join(', ')}` };
  }
  const sortBy = (query.get('sort_by') ?? 'created_at').toLowerCase();
  if (sortBy !== 'created_at' && sortBy !== 'execution_duration') {
    return { error: "sort_by must be 'created_at' or 'execution_duration'" };
  }
  const order = (query.get('sort_order') ?? 'desc').toLowerCase();
  if (order !== 'asc' && order !== 'desc') return { error: "sort_order must be 'asc' or 'desc'" };
  const limitText = query.get('limit');
  const limit = limitText === null ? null : wholeNumber(limitText);
  if (limit === undefined) return { error: 'limit must be an integer' };
  if (limit !== null && limit <= 0) return { error: 'limit must be a positive integer' };
  const offset = wholeNumber(query.get('offset') ?? '0');
  if (offset === undefined) return { error: 'offset must be an integer' };
  const workflowId = query.get('workflow_id') ?? '';
  return {
    statuses: asked.length === 0 ? jobStatuses : asked.filter(isStatus),
    workflowId: workflowId === '' ? undefined : workflowId,
    sortBy,
    isAscending: order === 'asc',
    limit,
    offset: Math.max(0, offset),
  };
}

function isStatus(text: string): text is DoorJobStatus {
  return (jobStatuses as readonly string[]).includes(text);
}

/** A whole number of at most nine digits, with blanks around it as Python allows. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*[+-]?\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}
