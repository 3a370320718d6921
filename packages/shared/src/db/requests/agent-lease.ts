import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { requestColumns } from './read-requests.ts';
import { requestRecordSchema } from './request-row.ts';

/** The lease under which an agent works on a request: every write of that work requires it. */
export interface AgentLease {
  requestId: string;
  holder: string;
  /** Raised at every claim: whoever holds an older one writes nothing any more. */
  epoch: number;
}

export interface ClaimOptions {
  holder: string;
  leaseMs: number;
  limit: number;
  /** Only this one: what a doorbell names. */
  requestId?: string;
}

const claimedRecordSchema = requestRecordSchema.extend({
  /** Claims since something came of one, this one included. */
  agentClaims: z.int(),
});
export type ClaimedRecord = z.infer<typeof claimedRecordSchema>;

/**
 * Takes unplanned requests whose lease is free or lapsed, oldest first: accepted -> planning, epoch + 1. Concurrent
 * callers never take the same one. Words wait while another run works in their session, and a prompt of the ComfyUI door
 * while an earlier one of its person is not planned: a client that posts two expects them to run in that order.
 */
export async function claimRequests(db: Database, options: ClaimOptions): Promise<ClaimedRecord[]> {
  const { holder, leaseMs, limit, requestId } = options;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with free as (
      select id from requests r
      where state in ('accepted', 'planning')
        and (agent_lease_expires_at is null or agent_lease_expires_at < clock_timestamp())
        and (agent_not_before is null or agent_not_before <= clock_timestamp())
        and not exists (
          select from agent_sessions s join requests busy on busy.id = s.run_id
          where r.body->>'kind' = 'words' and s.door = r.door and s.place_id = r.place->>'id'
            and s.thread_id = coalesce(r.place->>'threadId', '') and s.run_id <> r.id and busy.state = 'planning'
            and busy.agent_lease_expires_at > clock_timestamp())
        and not exists (
          select from door_prompts own
            join requests before on before.person_id = own.person_id and before.finished_at is null
              and before.state in ('accepted', 'planning')
            join door_prompts earlier on earlier.request_id = before.id and earlier.number < own.number
          where own.request_id = r.id)
        ${requestId === undefined ? db.sql`` : db.sql`and id = ${requestId}`}
      order by created_at limit ${limit} for update skip locked
    ), r as (
      update requests r set state = 'planning', agent_holder = ${holder}, agent_epoch = r.agent_epoch + 1,
        agent_claims = r.agent_claims + 1, agent_lease_expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond',
        version = r.version + 1, updated_at = now()
      from free where r.id = free.id
      returning r.*
    )
    select ${requestColumns(db)}, r.agent_claims from r join people p on p.id = r.person_id order by r.created_at`,
  );
  return rows.map((row) => claimedRecordSchema.parse(row));
}

/** Extends a lease that has not lapsed. False: it was lost, so stop and write nothing. */
export async function renewAgentLease(db: Database, lease: AgentLease, leaseMs: number): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update requests set agent_lease_expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    where id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
      and state = 'planning' and agent_lease_expires_at > clock_timestamp()
    returning id`,
  );
  return rows.length > 0;
}

/** Gives a request back for a later try, after a failure that is not the request's own. */
export async function releaseRequest(db: Database, lease: AgentLease, afterMs: number): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update requests set state = 'accepted', agent_lease_expires_at = null, version = version + 1, updated_at = now(),
      agent_not_before = clock_timestamp() + ${afterMs} * interval '1 millisecond'
    where id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
      and state = 'planning'`,
  );
}

/** Gives words back because another run works in their session; the claim does not count. */
export async function releaseUntilSessionIsFree(db: Database, lease: AgentLease): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update requests set state = 'accepted', agent_lease_expires_at = null, version = version + 1, updated_at = now(),
      agent_claims = greatest(0, agent_claims - 1)
    where id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
      and state = 'planning'`,
  );
}
