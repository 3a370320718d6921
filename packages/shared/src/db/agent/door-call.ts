import { v5 as uuidV5 } from 'uuid';
import type { Language, Place } from '../../contracts/identity.ts';
import { requestBodySchema, type RequestBody, type SourceRef } from '../../contracts/request.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { inTransaction } from '../in-transaction.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { requestIdOf } from '../requests/accept-request.ts';
import { isMadeOfPrivate } from '../requests/private-sources.ts';
import { writeEffects, type ToolEffects } from './commit-tool-result.ts';
import type { ToolResultRow } from './run-steps.ts';
import { sessionIdOf } from './session-store.ts';

/** Under which calls of other doors are kept, as runs are. */
const CALL_NAMESPACE = '7b0c6b3e-0a6a-4a0c-8d5d-2f8a3a5b9c44';

/** The id under which a caller's call is kept. */
export function callIdOf(personId: string, callId: string): string {
  return uuidV5(`${personId}:${callId}`, CALL_NAMESPACE);
}

/**
 * Keeps what a tool answered to another door with what it changed. Of two calls with one id the first counts.
 *
 * @returns the answer that is kept.
 */
export async function commitDoorCall(
  db: Database,
  call: { id: string; personId: string; place: Place },
  result: Omit<ToolResultRow, 'seq' | 'toolUseId'>,
  effects: ToolEffects,
): Promise<ToolResultRow> {
  const sessionId = sessionIdOf(call.place);
  return withDatabaseErrors(() =>
    inTransaction(db, async (tx) => {
      await tx.sql`
        insert into agent_sessions (id, door, place_id, thread_id, run_id)
        values (${sessionId}, ${call.place.door}, ${call.place.id}, ${call.place.threadId ?? ''}, ${call.id})
        on conflict (id) do update set updated_at = now()`;
      const added = await tx.sql`
        insert into agent_tool_results (run_id, seq, tool_use_id, tool, is_error, content)
        values (${call.id}, 0, ${call.id}, ${result.tool}, ${result.isError}, ${result.content})
        on conflict do nothing returning run_id`;
      if (added.length > 0) {
        await writeEffects(tx, { sessionId, personId: call.personId }, effects);
        return { ...result, seq: 0, toolUseId: call.id };
      }
      const [kept] = await tx.sql`
        select tool, is_error, content from agent_tool_results where run_id = ${call.id} and seq = 0`;
      return {
        seq: 0,
        toolUseId: call.id,
        tool: String(kept?.['tool']),
        isError: kept?.['isError'] === true,
        content: String(kept?.['content']),
      };
    }),
  );
}

export interface PersonSubmission {
  eventId: string;
  personId: string;
  place: Place;
  language: Language;
  body: Extract<RequestBody, { kind: 'workflow' }>;
  /** The earlier picture that it starts from. */
  parent?: SourceRef | undefined;
}

/**
 * A request on behalf of a known person, from a program's call; private where it is made of a private result. A repeat of its
 * event id is the same request.
 */
export async function submitForPerson(
  db: Database,
  request: PersonSubmission,
): Promise<{ requestId: string; outbox: OutboxRow[] }> {
  const { eventId, personId, place, language, body, parent } = request;
  const madeFrom = {
    requestIds: parent === undefined ? [] : [parent.requestId],
    hashes: (body.files ?? []).map(({ image }) => image.hash),
  };
  const requestId = requestIdOf('api', eventId);
  const rows = await withDatabaseErrors(
    () => db.sql`
    with request as (
      insert into requests (id, door, event_id, person_id, place, language, body, state, is_private,
        parent_request_id, parent_picture)
      select ${requestId}::uuid, 'api', ${eventId}, id, ${db.sql.json(place)}, ${language},
        ${db.sql.json(requestBodySchema.parse(body))}, 'accepted', ${isMadeOfPrivate(db, personId, madeFrom)},
        ${parent?.requestId ?? null}::uuid, ${parent?.picture ?? null}::smallint from people where id = ${personId}
      on conflict do nothing returning id, version
    ), event as (
      select id, jsonb_build_object('requestId', id, 'door', 'api', 'state', 'accepted', 'version', version) as data
      from request
    )
    insert into outbox (key, tokens, data, correlation_id)
    select 'requestSubmitted', '{}'::jsonb, data, id from event
    union all
    select 'requestChanged', '{"state": "accepted"}'::jsonb, data, id from event
    returning id, key, tokens, data, correlation_id`,
  );
  return { requestId, outbox: rows.map((row) => outboxRowSchema.parse(row)) };
}
