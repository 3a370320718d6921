import { v5 as uuidV5 } from 'uuid';
import { z } from 'zod';
import { uuidSchema, type Place } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Queries } from '../in-transaction.ts';
import type { AgentLease } from '../requests/agent-lease.ts';
import type { RunLease } from './run-lease.ts';

/** Under which session ids are derived from places. */
const SESSION_NAMESPACE = '4dd3a1d0-1c0f-4c70-9d3e-3f6f1b6f6a55';

/** The id of the conversation in a place: a channel thread, a chat's topic, a timeline. */
export function sessionIdOf(place: Pick<Place, 'door' | 'id' | 'threadId'>): string {
  return uuidV5(`${place.door}:${place.id}:${place.threadId ?? ''}`, SESSION_NAMESPACE);
}

const sessionSchema = z.object({
  id: uuidSchema,
  epoch: z.int(),
  notes: z.string(),
  draftId: uuidSchema.nullable(),
});
export type AgentSession = z.infer<typeof sessionSchema>;

/**
 * Gives a run its turn in the session of a place, unless another run works there: messages of one conversation are
 * worked on one after the other. A run that waits (for its jobs, for an answer) holds no turn.
 */
export async function takeSession(
  db: Queries,
  lease: AgentLease,
  place: Place,
): Promise<{ session: AgentSession; lease: RunLease } | undefined> {
  const id = sessionIdOf(place);
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into agent_sessions (id, door, place_id, thread_id, run_id)
    values (${id}, ${place.door}, ${place.id}, ${place.threadId ?? ''}, ${lease.requestId})
    on conflict (id) do update set run_id = excluded.run_id, epoch = agent_sessions.epoch + 1, updated_at = now()
    where agent_sessions.run_id = excluded.run_id or not exists (
      select from requests busy where busy.id = agent_sessions.run_id and busy.state = 'planning'
        and busy.agent_lease_expires_at > clock_timestamp())
    returning id, epoch, notes, draft_id`,
  );
  if (rows[0] === undefined) return undefined;
  const session = sessionSchema.parse(rows[0]);
  return { session, lease: { ...lease, sessionId: session.id, sessionEpoch: session.epoch } };
}

/** What is kept of a conversation; undefined where the agent never worked. */
export async function readSession(db: Queries, sessionId: string): Promise<AgentSession | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`select id, epoch, notes, draft_id from agent_sessions where id = ${sessionId}`,
  );
  return rows[0] === undefined ? undefined : sessionSchema.parse(rows[0]);
}

/** The oldest message that waits for its turn in the conversation of a place. */
export async function nextInSession(db: Queries, place: Place): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id from requests where state = 'accepted' and body->>'kind' = 'words' and door = ${place.door}
      and place->>'id' = ${place.id} and coalesce(place->>'threadId', '') = ${place.threadId ?? ''}
    order by created_at limit 1`,
  );
  return rows[0] === undefined ? undefined : String(rows[0]['id']);
}
