import type { SqlFragment } from '../connect-database.ts';
import type { Queries } from '../in-transaction.ts';
import type { AgentLease } from '../requests/agent-lease.ts';

/** What a run must hold to write: the lease of its request, and its turn in the session. */
export interface RunLease extends AgentLease {
  sessionId: string;
  /** Raised whenever another run, or another process, takes the session. */
  sessionEpoch: number;
}

/**
 * The condition on `requests r` that what the lease names is still held, for a statement that names the request `r`: the
 * request, and in a run its session too.
 */
export function runHeld(db: Queries, lease: RunLease | AgentLease): SqlFragment {
  return db.sql`
    r.id = ${lease.requestId} and r.agent_holder = ${lease.holder} and r.agent_epoch = ${lease.epoch}
    and r.state = 'planning' and r.agent_lease_expires_at > clock_timestamp()
    ${'sessionId' in lease ? sessionHeld(db, lease) : db.sql``}`;
}

function sessionHeld(db: Queries, lease: RunLease): SqlFragment {
  return db.sql`and exists (
      select from agent_sessions s where s.id = ${lease.sessionId} and s.epoch = ${lease.sessionEpoch}
        and s.run_id = r.id
    )`;
}
