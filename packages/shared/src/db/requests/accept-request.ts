import { v5 as uuidV5 } from 'uuid';
import { newRequestSchema, type NewRequest } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';

/** Names of ours under which ids are derived: the same platform event is the same request on every machine. */
const requestNamespace = '6f2c8c43-8a37-4b0f-9d53-0a3f6a1c7f10';
const personNamespace = 'b4f5a3a2-3c53-4c0f-8f0a-5a7a1d7c9e21';

/** The id that a request from this door with this platform event id has or will have. */
export function requestIdOf(door: string, eventId: string): string {
  return uuidV5(`${door}:${eventId}`, requestNamespace);
}

/** The id that a platform's user is given on first sight; linking may since have moved the identity to another person. */
export function firstPersonIdOf(door: string, platformId: string): string {
  return uuidV5(`${door}:${platformId}`, personNamespace);
}

export interface AcceptedRequest {
  requestId: string;
  /** False when this platform event was accepted before: nothing was written. */
  created: boolean;
  /** What to hand to the outbox relay. */
  outbox: OutboxRow[];
}

/**
 * Commits a request: its row, its person where new, the placeholder's delivery on doors that need one, and the doorbell,
 * in one statement. Accepted is committed, and only that carries the guarantee: when this throws, the person is told
 * "not accepted, try again".
 *
 * @throws AppError `unavailable` when Postgres is away (the commit may have happened: a retry with the same event id
 *   finds it), `internal` otherwise.
 */
export async function acceptRequest(db: Database, request: NewRequest): Promise<AcceptedRequest> {
  const { eventId, user, place, body, isPrivate, parent } = newRequestSchema.parse(request);
  const id = requestIdOf(user.door, eventId);
  const firstPersonId = firstPersonIdOf(user.door, user.id);
  // Chats show a placeholder message that becomes the result; the page and programs watch the request itself.
  const needsCard = user.door === 'discord' || user.door === 'telegram';
  const rows = await withDatabaseErrors(
    () => db.sql`
    with known as (
      select person_id from identities where door = ${user.door} and platform_id = ${user.id}
    ), new_person as (
      insert into people (id, display_name, language)
      select ${firstPersonId}::uuid, ${user.displayName}, ${user.language} where not exists (select from known)
      on conflict (id) do update set display_name = excluded.display_name
      returning id
    ), new_identity as (
      insert into identities (door, platform_id, person_id)
      select ${user.door}, ${user.id}, id from new_person on conflict do nothing returning person_id
    ), person as (
      select person_id from known union all select id from new_person limit 1
    ), request as (
      insert into requests (id, door, event_id, person_id, place, language, body, state, is_private,
        parent_request_id, parent_picture)
      select ${id}::uuid, ${user.door}, ${eventId}, person_id, ${db.sql.json(place)}, ${user.language},
             ${db.sql.json(body)}, 'accepted', ${isPrivate === true}, ${parent?.requestId ?? null}::uuid,
             ${parent?.picture ?? null}::smallint from person
      on conflict do nothing
      returning id, door, version
    ), card as (
      insert into deliveries (request_id, door, place, kind)
      select id, door, ${db.sql.json(place)}, 'card' from request where ${needsCard}
      returning id, request_id
    ), event as (
      select id, door, jsonb_build_object('requestId', id, 'door', door, 'state', 'accepted', 'version', version) as data
      from request
    )
    insert into outbox (key, tokens, data, correlation_id)
    select 'requestSubmitted', '{}'::jsonb, data, id from event
    union all
    select 'requestChanged', jsonb_build_object('state', 'accepted'), data, id from event
    union all
    select 'deliveryCreated', jsonb_build_object('door', ${user.door}::text),
           jsonb_build_object('deliveryId', id, 'requestId', request_id, 'door', ${user.door}::text), request_id from card
    returning id, key, tokens, data, correlation_id`,
  );
  return { requestId: id, created: rows.length > 0, outbox: rows.map((row) => outboxRowSchema.parse(row)) };
}
