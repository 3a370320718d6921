import { z } from 'zod';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { auditedIn } from './admin-audit.ts';

/** Highest first; 0 is everybody's. */
const MIN_PRIORITY = -10;
const MAX_PRIORITY = 10;

export interface PriorityChange {
  actor: string;
  /** One job, or all jobs of one request. */
  target: { jobId: string } | { requestId: string };
  /** Whole, from {@link MIN_PRIORITY} to {@link MAX_PRIORITY}. */
  priority: number;
}

export interface PriorityOutcome {
  /** Jobs of the target that wait: they have the priority now. */
  waiting: number;
  /** Those that have left the queue and not ended. What runs goes on; what does not yet heeds it, and goes back if another goes first. */
  started: number;
  /** To hand to the outbox relay. */
  outbox: OutboxRow[];
}

/**
 * An operator's word on who goes first among jobs that wait: a higher priority goes before every lower one, whatever the
 * shares. A job that lies posted behind a running one is taken back for one of higher priority, at the ring that this owes
 * where a waiting job changed, else at the worker's next look at the queue. Nothing that runs is stopped.
 */
export async function setJobPriority(db: Pick<Database, 'sql'>, change: PriorityChange): Promise<PriorityOutcome> {
  const { actor, target, priority } = change;
  if (!Number.isInteger(priority) || priority < MIN_PRIORITY || priority > MAX_PRIORITY) {
    throw new RangeError(`a priority is a whole number from ${MIN_PRIORITY} to ${MAX_PRIORITY}`);
  }
  const which = 'jobId' in target ? db.sql`id = ${target.jobId}` : db.sql`request_id = ${target.requestId}`;
  const id = 'jobId' in target ? target.jobId : target.requestId;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with target as (
      select state from jobs where ${which} and finished_at is null
    ), locked as (
      -- In the order in which everybody locks several.
      select id as job_id from jobs where ${which} and finished_at is null and priority <> ${priority}
      order by id for no key update
    ), changed as (
      update jobs set priority = ${priority}, version = version + 1 from locked where id = job_id
      returning id, request_id, state, version
    ), audited as (
      ${auditedIn(db, { actor, action: 'set_priority', target: id, details: { priority } }, 'changed')}
    ), message as (
      insert into outbox (key, tokens, data, correlation_id)
      select 'jobChanged', jsonb_build_object('state', state),
        jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version), request_id
      from changed where state = 'queued'
      returning id, key, tokens, data, correlation_id
    )
    select count(*) filter (where state = 'queued')::int as waiting,
      count(*) filter (where state <> 'queued')::int as started,
      coalesce((select jsonb_agg(jsonb_build_object('id', id, 'key', key, 'tokens', tokens, 'data', data,
        'correlationId', correlation_id)) from message), '[]') as outbox
    from target`,
  );
  return outcomeSchema.parse(rows[0]);
}

const outcomeSchema = z.object({ waiting: z.int(), started: z.int(), outbox: z.array(outboxRowSchema) });
