import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { auditedIn } from './admin-audit.ts';

/** Highest first; 0 is everybody's. */
export const MIN_PRIORITY = -10;
export const MAX_PRIORITY = 10;

export interface PriorityChange {
  actor: string;
  /** One job, or all jobs of one request. */
  target: { jobId: string } | { requestId: string };
  /** Whole, from {@link MIN_PRIORITY} to {@link MAX_PRIORITY}. */
  priority: number;
}

/**
 * An operator's word on who goes first among jobs that wait: a higher priority goes before every lower one, whatever the
 * shares. What is on a GPU already keeps its place; jobs that come back to the queue heed it then.
 *
 * @returns how many waiting jobs it reached, and what to hand to the outbox relay.
 */
export async function setJobPriority(
  db: Pick<Database, 'sql'>,
  change: PriorityChange,
): Promise<{ jobs: number; outbox: OutboxRow[] }> {
  const { actor, target, priority } = change;
  if (!Number.isInteger(priority) || priority < MIN_PRIORITY || priority > MAX_PRIORITY) {
    throw new RangeError(`a priority is a whole number from ${MIN_PRIORITY} to ${MAX_PRIORITY}`);
  }
  const which = 'jobId' in target ? db.sql`id = ${target.jobId}` : db.sql`request_id = ${target.requestId}`;
  const id = 'jobId' in target ? target.jobId : target.requestId;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      update jobs set priority = ${priority}, version = version + 1
      where ${which} and finished_at is null and priority <> ${priority}
      returning id, request_id, state, version
    ), audited as (
      ${auditedIn(db, { actor, action: 'set_priority', target: id, details: { priority } }, 'changed')}
    )
    insert into outbox (key, tokens, data, correlation_id)
    select 'jobChanged', jsonb_build_object('state', state),
      jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version), request_id
    from changed where state = 'queued'
    returning id, key, tokens, data, correlation_id`,
  );
  return { jobs: rows.length, outbox: rows.map((row) => outboxRowSchema.parse(row)) };
}
