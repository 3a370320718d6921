import { z } from 'zod';
import { doorSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

const identitySchema = z.object({ door: doorSchema, platformId: z.string() });
/** A person as a platform knows them. */
export type Identity = z.infer<typeof identitySchema>;

const settingsSchema = z.record(z.string(), z.unknown());

/** What a person has set for themselves; empty where they set nothing. */
export async function readPersonSettings(
  db: Pick<Database, 'sql'>,
  personId: string,
): Promise<Record<string, unknown>> {
  const rows = await withDatabaseErrors(
    () => db.sql`select settings from person_settings where person_id = ${personId}`,
  );
  return rows[0] === undefined ? {} : settingsSchema.parse(rows[0]['settings']);
}

/** Puts `changes` over what they have; null takes a value away. */
export async function savePersonSettings(
  db: Pick<Database, 'sql'>,
  personId: string,
  changes: Record<string, string | number | boolean | null>,
): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    insert into person_settings (person_id, settings)
    values (${personId}, jsonb_strip_nulls(${db.sql.json(changes)}::jsonb))
    on conflict (person_id) do update set updated_at = now(),
      settings = jsonb_strip_nulls(person_settings.settings || ${db.sql.json(changes)}::jsonb)`,
  );
}

export async function readPersonName(db: Pick<Database, 'sql'>, personId: string): Promise<string | undefined> {
  const rows = await withDatabaseErrors(() => db.sql`select display_name from people where id = ${personId}`);
  return rows[0] === undefined ? undefined : String(rows[0]['displayName']);
}

const styleSchema = z.object({ owner: z.string(), name: z.string(), words: z.string() });
/** A name for words and options: a person's own, or everybody's where the owner is `house`. */
export type ChatStyle = z.infer<typeof styleSchema>;
export const HOUSE = 'house';

/** A person's own and the house's, own ones first. */
export async function readStyles(db: Pick<Database, 'sql'>, personId: string): Promise<ChatStyle[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select owner, name, words from chat_styles where owner in (${personId}, ${HOUSE})
    order by owner = ${HOUSE}, name limit 500`,
  );
  return rows.map((row) => styleSchema.parse(row));
}

/** @returns false where the owner has as many as are allowed. */
export async function saveStyle(db: Pick<Database, 'sql'>, style: ChatStyle, maxOfOwner: number): Promise<boolean> {
  const { owner, name, words } = style;
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into chat_styles (owner, name, words)
    select ${owner}, ${name}, ${words}
    where (select count(*) from chat_styles where owner = ${owner} and name <> ${name}) < ${maxOfOwner}
    on conflict (owner, name) do update set words = excluded.words, updated_at = now()
    returning name`,
  );
  return rows.length > 0;
}

/** @returns false where there is no such style. */
export async function deleteStyle(
  db: Pick<Database, 'sql'>,
  { owner, name }: Pick<ChatStyle, 'owner' | 'name'>,
): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`delete from chat_styles where owner = ${owner} and lower(name) = lower(${name}) returning name`,
  );
  return rows.length > 0;
}

/** Who a platform's user is, and what they have set; `undefined` for who never asked for anything. */
export async function readPerson(
  db: Pick<Database, 'sql'>,
  user: { door: string; id: string },
): Promise<{ personId: string; settings: Record<string, unknown>; identities: Identity[] } | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select i.person_id, coalesce(s.settings, '{}') as settings,
      (select jsonb_agg(jsonb_build_object('door', o.door, 'platformId', o.platform_id)) from identities o
        where o.person_id = i.person_id) as identities
    from identities i left join person_settings s on s.person_id = i.person_id
    where i.door = ${user.door} and i.platform_id = ${user.id}`,
  );
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    personId: String(row['personId']),
    settings: settingsSchema.parse(row['settings']),
    identities: z.array(identitySchema).parse(row['identities']),
  };
}
