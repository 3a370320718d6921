import { withDatabaseErrors } from '../database-error.ts';
import { inTransaction } from '../in-transaction.ts';
import type { Database } from '../connect-database.ts';
import { endJobsTail } from '../jobs/end-jobs.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { endedRequestCtes } from './end-request.ts';

export type CancelOutcome =
  /** The intent is stored. What had not started has ended; `jobIds` are on a GPU and are being stopped. */
  | { outcome: 'cancelling'; jobIds: string[]; outbox: OutboxRow[] }
  /** It had ended before. */
  | { outcome: 'finished' }
  /** There is no such request, or it is another person's. */
  | { outcome: 'not_found' };

/**
 * Stores the wish to cancel and ends at once what no worker holds. The intent is what counts: it is checked in every
 * transition of a job, so a message that gets lost delays a cancel and never loses it. Asking again is harmless.
 *
 * @param personId whose request it must be; absent for an operator.
 */
export async function cancelRequest(db: Database, requestId: string, personId?: string): Promise<CancelOutcome> {
  const marked = await withDatabaseErrors(
    () => db.sql`
    update requests set cancel_requested_at = coalesce(cancel_requested_at, now()), version = version + 1,
      updated_at = now()
    where id = ${requestId} and finished_at is null
      ${personId === undefined ? db.sql`` : db.sql`and person_id = ${personId}`}
    returning id`,
  );
  if (marked.length === 0) {
    const found = await withDatabaseErrors(
      () => db.sql`select 1 from requests where id = ${requestId}
        ${personId === undefined ? db.sql`` : db.sql`and person_id = ${personId}`}`,
    );
    return { outcome: found.length === 0 ? 'not_found' : 'finished' };
  }
  const outbox = await endCancelledWork(db, requestId);
  const held = await withDatabaseErrors(
    () => db.sql`select id from jobs where request_id = ${requestId} and finished_at is null`,
  );
  return { outcome: 'cancelling', jobIds: held.map((row) => String(row['id'])), outbox };
}

/**
 * Carries out stored cancels whose asker died halfway: part of every service's sweep.
 */
export async function finishCancels(db: Database): Promise<OutboxRow[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select r.id from requests r where r.finished_at is null and r.cancel_requested_at < now() - interval '2 seconds'
      and (r.state in ('accepted', 'planning', 'asking')
        or exists (select from jobs j where j.request_id = r.id and j.finished_at is null
          and (j.cancel_requested_at is null or j.state = 'queued')))
    limit 100`,
  );
  const outbox: OutboxRow[] = [];
  for (const row of rows) outbox.push(...(await endCancelledWork(db, String(row['id']))));
  return outbox;
}

/**
 * Ends what a stored cancel can end without a worker or an agent: queued jobs, and a request that has no plan yet.
 *
 * Rows are locked in the order job, request, as everywhere, and several jobs in the order of their ids; marking comes before
 * ending, so that a job which is picked in between carries the mark.
 */
async function endCancelledWork(db: Database, requestId: string): Promise<OutboxRow[]> {
  const rows = await withDatabaseErrors(() =>
    inTransaction(db, async (tx) => {
      await tx.sql`
        update jobs j set cancel_requested_at = coalesce(j.cancel_requested_at, now())
        from (
          select id from jobs where request_id = ${requestId} and finished_at is null order by id for no key update
        ) open
        where j.id = open.id`;
      const jobs = await tx.sql`
        with ended_job as (
          update jobs set state = 'cancelled', version = version + 1, finished_at = now(), gpu_seconds = 0
          where request_id = ${requestId} and state = 'queued'
          returning *
        ), ${endJobsTail(tx)}`;
      // An agent may still be at work on a request that has jobs: it loses its lease, and the jobs end the request.
      await tx.sql`
        update requests set state = 'working', version = version + 1, updated_at = now(), question = null,
          agent_wake = null, agent_epoch = agent_epoch + 1, agent_lease_expires_at = null
        where id = ${requestId} and state in ('accepted', 'planning', 'asking') and jobs_open > 0`;
      const unplanned = await tx.sql`
        with ended_request as (
          update requests set state = case when jobs_succeeded > 0 then 'succeeded' else 'cancelled' end,
            version = version + 1, updated_at = now(), finished_at = now(),
            agent_epoch = agent_epoch + 1, agent_lease_expires_at = null
          where id = ${requestId} and state in ('accepted', 'planning', 'asking')
          returning *
        ), ${endedRequestCtes(tx)}
        insert into outbox (key, tokens, data, correlation_id) select * from request_messages
        returning id, key, tokens, data, correlation_id`;
      return [...jobs, ...unplanned];
    }),
  );
  return rows.map((row) => outboxRowSchema.parse(row));
}
