import { createHash } from 'node:crypto';
import type { PlatformUser } from '../../contracts/identity.ts';
import { uuidSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { movePerson } from '../people/move-person.ts';
import { firstPersonIdOf } from '../requests/accept-request.ts';

/** Letters and digits that nobody mistakes for another. */
const alphabet = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789';

const codePattern = new RegExp(`^[${alphabet}]{8}$`);

/** `ABCD-EFGH`: 31^8 codes. @param bytes 8 random ones. */
export function formatLinkCode(bytes: Uint8Array): string {
  // 8 values of a byte in 256 fall on the first letters once more: nothing for a code that lives minutes.
  const letters = Array.from(bytes.subarray(0, 8), (byte) => alphabet[byte % alphabet.length] ?? 'A').join('');
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

/** What people type: any case, with or without the hyphen. `undefined` for what is no code. */
export function parseLinkCode(typed: string): string | undefined {
  const letters = typed.toUpperCase().replaceAll(/[\s\-–—_]/g, '');
  if (!codePattern.test(letters)) return undefined;
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

function hashOf(code: string): string {
  return createHash('sha256').update(code).digest('hex');
}

/** Keeps a code for its person. They must be known: see `ensurePerson`. */
export async function createLinkCode(
  db: Pick<Database, 'sql'>,
  code: { code: string; personId: string; validMs: number; signsIn: boolean },
): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    insert into link_codes (code_hash, person_id, signs_in, expires_at)
    values (${hashOf(code.code)}, ${code.personId}, ${code.signsIn},
      now() + ${code.validMs} * interval '1 millisecond')`,
  );
}

/** The person behind a platform's user, made where they are new. */
export async function ensurePerson(db: Pick<Database, 'sql'>, user: PlatformUser): Promise<string> {
  const first = firstPersonIdOf(user.door, user.id);
  const rows = await withDatabaseErrors(
    () => db.sql`
    with known as (
      select person_id from identities where door = ${user.door} and platform_id = ${user.id}
    ), new_person as (
      insert into people (id, display_name, language)
      select ${first}::uuid, ${user.displayName}, ${user.language} where not exists (select from known)
      on conflict (id) do update set display_name = people.display_name returning id
    ), new_identity as (
      insert into identities (door, platform_id, person_id)
      select ${user.door}, ${user.id}, id from new_person on conflict do nothing
    )
    select person_id from known union all select id from new_person limit 1`,
  );
  return uuidSchema.parse(rows[0]?.['personId']);
}

export type LinkOutcome =
  | { outcome: 'linked'; personId: string; signsIn: boolean }
  /** They were one already. */
  | { outcome: 'same'; personId: string; signsIn: boolean }
  /** There is no such code, or it was used or has expired. */
  | { outcome: 'gone' };

/**
 * Uses a code: all that `personId` is known as, and all that is theirs, becomes the code's person. Once a code.
 *
 * A request that is accepted in the same instant for the person who is moved may still be written to the old one:
 * {@link finishLinks} moves it within the next minutes.
 */
export async function useLinkCode(
  db: Pick<Database, 'sql'>,
  use: { code: string; personId: string; /** Only a code that opens the page counts. */ mustSignIn?: true },
): Promise<LinkOutcome> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update link_codes set used_at = now(), moved_person_id = ${use.personId}
    where code_hash = ${hashOf(use.code)} and used_at is null and expires_at > now()
      and (signs_in or not ${use.mustSignIn === true})
    returning person_id, signs_in`,
  );
  const [row] = rows;
  if (row === undefined) return { outcome: 'gone' };
  const personId = uuidSchema.parse(row['personId']);
  const signsIn = row['signsIn'] === true;
  if (personId === use.personId) return { outcome: 'same', personId, signsIn };
  await movePerson(db, use.personId, personId);
  return { outcome: 'linked', personId, signsIn };
}

/** Carries on links that a dead process left halfway, and moves what was accepted while they were made. */
export async function finishLinks(db: Pick<Database, 'sql'>): Promise<void> {
  // A job cannot stay behind alone: `movePerson` leaves none of a request that it moves.
  const rows = await withDatabaseErrors(
    () => db.sql`
    select person_id, moved_person_id from link_codes
    where used_at > now() - interval '5 minutes' and moved_person_id <> person_id
      and (exists (select from identities i where i.person_id = moved_person_id)
        or exists (select from requests r where r.person_id = moved_person_id))`,
  );
  for (const row of rows)
    await movePerson(db, uuidSchema.parse(row['movedPersonId']), uuidSchema.parse(row['personId']));
}

/** Forgets codes that were over a day ago, used or not: nothing looks at them any more. @returns how many. */
export async function forgetLinkCodes(db: Pick<Database, 'sql'>): Promise<number> {
  const result = await withDatabaseErrors(
    () => db.sql`delete from link_codes where expires_at < now() - interval '1 day'`,
  );
  return result.count;
}
