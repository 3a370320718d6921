import type { PublicError } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import type { AgentLease } from './agent-lease.ts';
import { endedRequestCtes } from './end-request.ts';

/** How a request ends without a job. */
export type RequestAnswer =
  | { state: 'replied'; reply: string }
  | { state: 'failed'; error: PublicError }
  | { state: 'cancelled' };

/**
 * Ends a request that has no jobs: planning -> replied | failed | cancelled, with its delivery, in one statement.
 * `undefined`: the lease was lost, or the request has ended; nothing was written.
 */
export async function answerRequest(
  db: Database,
  lease: AgentLease,
  answer: RequestAnswer,
): Promise<OutboxRow[] | undefined> {
  const reply = answer.state === 'replied' ? answer.reply : null;
  const error = answer.state === 'failed' ? db.sql.json(answer.error) : null;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with ended_request as (
      update requests set state = ${answer.state}, reply = ${reply}, error = ${error}, version = version + 1,
        updated_at = now(), finished_at = now(), agent_lease_expires_at = null
      where id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
        and state = 'planning' and agent_lease_expires_at > clock_timestamp()
      returning *
    ), ${endedRequestCtes(db)}
    insert into outbox (key, tokens, data, correlation_id) select * from request_messages
    returning id, key, tokens, data, correlation_id`,
  );
  return rows.length === 0 ? undefined : rows.map((row) => outboxRowSchema.parse(row));
}

/**
 * Fails a request whatever its lease, because its message can no longer be handled (a dead letter). Where its agent had
 * queued jobs already, those decide; nothing happens where it has a plan or has ended.
 */
export async function failUnplannedRequest(db: Database, requestId: string, error: PublicError): Promise<OutboxRow[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with given_up as (
      update requests set version = version + 1, updated_at = now(), agent_epoch = agent_epoch + 1, agent_wake = null,
        agent_lease_expires_at = null,
        state = case when jobs_open > 0 then 'working' when jobs_succeeded > 0 then 'succeeded' else 'failed' end,
        error = case when jobs_total > 0 then error else ${db.sql.json(error)}::jsonb end,
        finished_at = case when jobs_open > 0 then null else now() end
      where id = ${requestId} and state in ('accepted', 'planning')
      returning *
    ), ended_request as (
      select * from given_up where finished_at is not null
    ), ${endedRequestCtes(db)}
    insert into outbox (key, tokens, data, correlation_id) select * from request_messages
    returning id, key, tokens, data, correlation_id`,
  );
  return rows.map((row) => outboxRowSchema.parse(row));
}
