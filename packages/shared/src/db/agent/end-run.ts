import { withDatabaseErrors } from '../database-error.ts';
import type { Queries } from '../in-transaction.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import type { AgentLease } from '../requests/agent-lease.ts';
import { settledRequestTail } from '../requests/end-request.ts';
import { runHeld, type RunLease } from './run-lease.ts';

/** When the agent wants a request back: at the end of its jobs, or only if none of them succeeded. */
export type AgentWake = 'end' | 'failure';

export interface RunAnswer {
  /** What the agent says, in the person's language; empty: nothing, and an error keeps its own words. */
  reply: string;
  /** Where jobs go on: whether the agent looks at their end. */
  wake?: AgentWake;
}

/**
 * Ends a run with words, in one statement: replied where it queued nothing; working while its jobs go on; else succeeded
 * or failed, as they did, with the words in place of the error's. `undefined`: the lease was lost; nothing was written.
 */
export async function endRun(
  db: Queries,
  lease: RunLease | AgentLease,
  answer: RunAnswer,
): Promise<OutboxRow[] | undefined> {
  const { reply } = answer;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with settled as (
      update requests r set reply = nullif(${reply}, ''), version = r.version + 1, updated_at = now(),
        agent_lease_expires_at = null, agent_claims = 0,
        state = case when r.jobs_open > 0 then 'working' when r.jobs_succeeded > 0 then 'succeeded'
                     when r.jobs_total > 0 then 'failed' else 'replied' end,
        agent_wake = case when r.jobs_open > 0 then ${answer.wake ?? null} end,
        error = case when r.jobs_open > 0 or r.jobs_succeeded > 0 or r.jobs_total = 0 or ${reply} = '' then r.error
                     else jsonb_build_object('code', coalesce(r.error->>'code', 'internal'),
                       'message', jsonb_build_object('en', ${reply}::text, 'zh', ${reply}::text)) end,
        finished_at = case when r.jobs_open > 0 then null else now() end
      where ${runHeld(db, lease)}
      returning *
    ), ${settledRequestTail(db)}`,
  );
  return rows.length === 0 ? undefined : rows.map((row) => outboxRowSchema.parse(row));
}

export type Parked =
  /** The lease is given up; the end of the jobs brings the request back. */
  | { outcome: 'parked'; outbox: OutboxRow[] }
  /** Nothing of it runs any more: go on at once. */
  | { outcome: 'ready' }
  | { outcome: 'lost' };

/** Puts a run aside until the jobs of its request have ended. */
export async function parkRun(db: Queries, lease: RunLease): Promise<Parked> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with parked as (
      update requests r set state = 'working', agent_wake = 'end', agent_lease_expires_at = null, agent_claims = 0,
        version = r.version + 1, updated_at = now()
      where ${runHeld(db, lease)} and r.jobs_open > 0 and r.cancel_requested_at is null
      returning r.id, r.door, r.state, r.version
    )
    insert into outbox (key, tokens, data, correlation_id)
    select 'requestChanged', jsonb_build_object('state', state),
           jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version), id from parked
    returning id, key, tokens, data, correlation_id`,
  );
  if (rows.length > 0) return { outcome: 'parked', outbox: rows.map((row) => outboxRowSchema.parse(row)) };
  const held = await withDatabaseErrors(
    () => db.sql`
    select 1 from requests r where ${runHeld(db, lease)} and r.jobs_open = 0 and r.cancel_requested_at is null`,
  );
  return held.length > 0 ? { outcome: 'ready' } : { outcome: 'lost' };
}
