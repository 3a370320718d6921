import { z } from 'zod';
import { doorSchema, placeSchema, type Door, type Place } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { auditedIn } from '../operators/admin-audit.ts';

const ruleScopeSchema = z.enum(['person', 'role', 'channel', 'guild']);
export type RuleScope = z.infer<typeof ruleScopeSchema>;

/** Who may, or may not, do what. `subject` is the platform's id; `command` is `*` for all. */
const accessRuleSchema = z.object({
  door: doorSchema,
  scope: ruleScopeSchema,
  subject: z.string(),
  command: z.string(),
  effect: z.enum(['allow', 'deny']),
});
export type AccessRule = z.infer<typeof accessRuleSchema>;

const chatChannelSchema = z.object({
  place: placeSchema,
  settings: z.record(z.string(), z.unknown()),
  boardRef: z.record(z.string(), z.unknown()).nullable(),
});
export type ChatChannel = z.infer<typeof chatChannelSchema>;

const snapshotSchema = z.object({
  channels: z.array(chatChannelSchema),
  rules: z.array(accessRuleSchema),
  limits: z.record(z.string(), z.unknown()),
});
/** All that holds for places and for everybody; a few rows. */
export type ChatSettingsSnapshot = z.infer<typeof snapshotSchema>;

export async function readChatSettings(db: Pick<Database, 'sql'>): Promise<ChatSettingsSnapshot> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('place', place, 'settings', settings, 'boardRef', board_ref)
        order by updated_at), '[]') from chat_channels) as channels,
      (select coalesce(jsonb_agg(jsonb_build_object('door', door, 'scope', scope, 'subject', subject,
        'command', command, 'effect', effect) order by updated_at), '[]') from access_rules) as rules,
      (select coalesce(jsonb_object_agg(key, value), '{}') from chat_limits) as limits`,
  );
  return snapshotSchema.parse(rows[0]);
}

type Settings = Record<string, string | number | boolean | null>;

/** Puts `changes` over what the channel has; null takes a value away. */
export async function saveChannelSettings(
  db: Pick<Database, 'sql'>,
  change: { actor: string; place: Place; changes: Settings },
): Promise<void> {
  const { actor, place, changes } = change;
  await withDatabaseErrors(
    () => db.sql`
    with changed as (
      insert into chat_channels (door, place_id, place, settings)
      values (${place.door}, ${place.id}, ${db.sql.json(place)}, jsonb_strip_nulls(${db.sql.json(changes)}::jsonb))
      on conflict (door, place_id) do update set place = excluded.place, updated_at = now(),
        settings = jsonb_strip_nulls(chat_channels.settings || ${db.sql.json(changes)}::jsonb)
      returning door
    )
    ${auditedIn(db, { actor, action: 'set_channel', target: `${place.door}:${place.id}`, details: changes }, 'changed')}`,
  );
}

/** Notes where the message of a channel's queue board stands. */
export async function saveBoardRef(
  db: Pick<Database, 'sql'>,
  place: Pick<Place, 'door' | 'id'>,
  messageRef: Settings,
): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update chat_channels set board_ref = ${db.sql.json(messageRef)} where door = ${place.door} and place_id = ${place.id}`,
  );
}

/** A chat got another id, as Telegram's groups do when they grow: what was set for it, and who may ask there, goes along. */
export async function moveChatSettings(
  db: Pick<Database, 'sql'>,
  move: { door: Door; fromId: string; toId: string },
): Promise<void> {
  const { door, fromId, toId } = move;
  await withDatabaseErrors(
    () => db.sql`
    with rules as (
      update access_rules r set subject = ${toId}
      where r.door = ${door} and r.scope in ('channel', 'guild') and r.subject = ${fromId}
        and not exists (select from access_rules o where o.door = r.door and o.scope = r.scope and o.subject = ${toId}
          and o.command = r.command)
    ), posts as (
      update chat_posts set place = jsonb_set(place, '{id}', to_jsonb(${toId}::text))
      where door = ${door} and place->>'id' = ${fromId} and state in ('pending', 'sending')
    )
    update chat_channels set place_id = ${toId}, place = jsonb_set(place, '{id}', to_jsonb(${toId}::text)), board_ref = null
    where door = ${door} and place_id = ${fromId}
      and not exists (select from chat_channels where door = ${door} and place_id = ${toId})`,
  );
}

export async function setAccessRule(
  db: Pick<Database, 'sql'>,
  change: { actor: string; rule: AccessRule },
): Promise<void> {
  const { actor, rule } = change;
  const { door, scope, subject, command, effect } = accessRuleSchema.parse(rule);
  const details = { door, scope, command };
  await withDatabaseErrors(
    () => db.sql`
    with changed as (
      insert into access_rules (door, scope, subject, command, effect)
      values (${door}, ${scope}, ${subject}, ${command}, ${effect})
      on conflict (door, scope, subject, command) do update set effect = excluded.effect, updated_at = now()
      returning subject
    )
    ${auditedIn(db, { actor, action: effect, target: subject, details }, 'changed')}`,
  );
}

/** @returns false where there was no such rule. */
export async function clearAccessRule(
  db: Pick<Database, 'sql'>,
  change: { actor: string; rule: Omit<AccessRule, 'effect'> },
): Promise<boolean> {
  const { actor, rule } = change;
  const { door, scope, subject, command } = rule;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      delete from access_rules where door = ${door} and scope = ${scope} and subject = ${subject} and command = ${command}
      returning subject
    ), audited as (
      ${auditedIn(db, { actor, action: 'clear_rule', target: subject, details: { door, scope, command } }, 'changed')}
    )
    select subject from changed`,
  );
  return rows.length > 0;
}

/** What holds for everybody, a value a key. */
export async function setChatLimit(
  db: Pick<Database, 'sql'>,
  change: { actor: string; key: string; value: number | string | string[] },
): Promise<void> {
  const { actor, key, value } = change;
  await withDatabaseErrors(
    () => db.sql`
    with changed as (
      insert into chat_limits (key, value) values (${key}, ${db.sql.json(value)})
      on conflict (key) do update set value = excluded.value, updated_at = now() returning key
    )
    ${auditedIn(db, { actor, action: 'set_limits', target: key, details: { value } }, 'changed')}`,
  );
}
