import { randomUUID } from 'node:crypto';
import { languageSchema, uuidSchema, type Language } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { firstPersonIdOf } from '../requests/accept-request.ts';
import { z } from 'zod';

/** A person as the door `api` knows them. */
export const apiAccountSchema = z.object({
  /** `identities.platform_id` of the door `api`: what a request names as its user. */
  account: z.string(),
  personId: uuidSchema,
  displayName: z.string(),
  language: languageSchema.catch('en'),
});
export type ApiAccount = z.infer<typeof apiAccountSchema>;

/** The account of a person, made when they have none. Undefined: there is no such person. */
export async function openAccount(db: Pick<Database, 'sql'>, personId: string): Promise<ApiAccount | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with person as (
      select id, display_name, language from people where id = ${personId}
    ), known as (
      select platform_id from identities where door = 'api' and person_id = ${personId} order by platform_id limit 1
    ), made as (
      insert into identities (door, platform_id, person_id)
      select 'api', id::text, id from person where not exists (select from known)
      on conflict (door, platform_id) do nothing returning platform_id
    )
    select coalesce((select platform_id from known), (select platform_id from made), person.id::text) as account,
      person.id as person_id, person.display_name, person.language
    from person`,
  );
  return rows[0] === undefined ? undefined : apiAccountSchema.parse(rows[0]);
}

/** The account under a fixed name, made with its person when it is not there: `local` for an open loopback gateway. */
export async function openNamedAccount(
  db: Pick<Database, 'sql'>,
  account: string,
  person: { displayName: string; language: Language },
): Promise<ApiAccount> {
  const id = firstPersonIdOf('api', account);
  await withDatabaseErrors(
    () => db.sql`
    with made as (
      insert into people (id, display_name, language) values (${id}, ${person.displayName}, ${person.language})
      on conflict (id) do nothing
    )
    select 1`,
  );
  // Apart, because a foreign key sees only rows of finished statements.
  await withDatabaseErrors(
    () => db.sql`
    insert into identities (door, platform_id, person_id) values ('api', ${account}, ${id}) on conflict do nothing`,
  );
  const found = await readAccount(db, account);
  if (found === undefined) throw new Error(`the account ${account} was made and is not there`);
  return found;
}

/** A new person who is known to programs only. */
export async function createAccount(
  db: Pick<Database, 'sql'>,
  person: { displayName: string; language: Language },
  randomId: () => string = randomUUID,
): Promise<ApiAccount> {
  return openNamedAccount(db, randomId(), person);
}

async function readAccount(db: Pick<Database, 'sql'>, account: string): Promise<ApiAccount | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select i.platform_id as account, p.id as person_id, p.display_name, p.language
    from identities i join people p on p.id = i.person_id where i.door = 'api' and i.platform_id = ${account}`,
  );
  return rows[0] === undefined ? undefined : apiAccountSchema.parse(rows[0]);
}
