import { createHash } from 'node:crypto';
import type { PlatformUser } from '../../contracts/identity.ts';
import { uuidSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
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

/** Everything of one person becomes another's. What both have is merged; of settings the other's count. */
async function movePerson(db: Pick<Database, 'sql'>, from: string, to: string): Promise<void> {
  await withDatabaseErrors(() =>
    db.sql.begin(async (sql) => {
      await sql`select id from people where id in (${from}, ${to}) order by id for update`;
      await sql`update identities set person_id = ${to} where person_id = ${from}`;
      // Codes of who was moved are the other's now: used the other way round, one finds them the same already.
      await sql`update link_codes set person_id = ${to} where person_id = ${from}`;
      await sql`update sign_in_codes set person_id = ${to} where person_id = ${from} and used_at is null`;
      // By their requests: jobs have no index by person, which every change of one would pay for. First the jobs, as where
      // one ends: the other way round the two could wait for each other.
      await sql`
        update jobs j set person_id = ${to} from requests r
        where r.person_id = ${from} and j.request_id = r.id and j.person_id = ${from}`;
      const moved = await sql`update requests set person_id = ${to} where person_id = ${from} returning id`;
      // Of a plan that was being committed: the statement before has waited for it, and later ones find the other person.
      await sql`
        update jobs set person_id = ${to}
        where request_id = any(${moved.map((row) => String(row['id']))}::uuid[]) and person_id = ${from}`;
      // What each is above the floor was used by both: the floor counts once.
      await sql`
        with old as (delete from fair_shares where person_id = ${from} returning *),
          base as (select coalesce((select floor_gpu_seconds from queue_state where id = 1), 0) as floor)
        insert into fair_shares as f (person_id, charged_gpu_seconds, weight, open_jobs, open_images, open_gpu_seconds)
        select ${to}::uuid, charged_gpu_seconds, weight, open_jobs, open_images, open_gpu_seconds from old
        on conflict (person_id) do update set
          charged_gpu_seconds = greatest(f.charged_gpu_seconds, (select floor from base))
            + greatest(excluded.charged_gpu_seconds - (select floor from base), 0),
          open_jobs = f.open_jobs + excluded.open_jobs, open_images = f.open_images + excluded.open_images,
          open_gpu_seconds = f.open_gpu_seconds + excluded.open_gpu_seconds`;
      await sql`
        with old as (delete from usage_days where person_id = ${from} returning *)
        insert into usage_days as u (person_id, day, jobs, images, gpu_seconds, input_tokens, output_tokens, micro_dollars)
        select ${to}::uuid, day, jobs, images, gpu_seconds, input_tokens, output_tokens, micro_dollars
        from old on conflict (person_id, day) do update set jobs = u.jobs + excluded.jobs,
          images = u.images + excluded.images, gpu_seconds = u.gpu_seconds + excluded.gpu_seconds,
          input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
          micro_dollars = u.micro_dollars + excluded.micro_dollars`;
      await sql`update agent_usage set person_id = ${to} where person_id = ${from}`;
      // Of two limits the smaller one: linking lifts none. `least` leaves nulls out.
      await sql`
        with old as (delete from quotas where person_id = ${from} returning *)
        insert into quotas as q (person_id, gpu_seconds_per_day, images_per_day, pending_jobs)
        select ${to}::uuid, gpu_seconds_per_day, images_per_day, pending_jobs from old
        on conflict (person_id) do update set
          gpu_seconds_per_day = least(q.gpu_seconds_per_day, excluded.gpu_seconds_per_day),
          images_per_day = least(q.images_per_day, excluded.images_per_day),
          pending_jobs = least(q.pending_jobs, excluded.pending_jobs)`;
      await sql`
        with old as (delete from favourites where person_id = ${from} returning *)
        insert into favourites (person_id, hash, job_id, output_index, created_at)
        select ${to}::uuid, hash, job_id, output_index, created_at from old on conflict do nothing`;
      await sql`
        with old as (delete from person_settings where person_id = ${from} returning *)
        insert into person_settings as s (person_id, settings) select ${to}::uuid, settings from old
        on conflict (person_id) do update set settings = excluded.settings || s.settings`;
      await sql`
        with old as (delete from chat_styles where owner = ${from} returning *)
        insert into chat_styles (owner, name, words) select ${to}, name, words from old on conflict do nothing`;
      await sql`
        with old as (delete from agent_preferences where person_id = ${from} returning *)
        insert into agent_preferences (person_id, key, value, updated_at)
        select ${to}::uuid, key, value, updated_at from old on conflict do nothing`;
      await sql`
        update door_prompts p set person_id = ${to} where person_id = ${from}
          and not exists (select from door_prompts o where o.person_id = ${to} and o.prompt_id = p.prompt_id)`;
      await sql`
        update door_files f set person_id = ${to} where person_id = ${from}
          and not exists (select from door_files o where o.person_id = ${to} and o.path = f.path)`;
      await sql`
        update saved_workflows w set person_id = ${to} where person_id = ${from}
          and not exists (select from saved_workflows o where o.person_id = ${to} and lower(o.name) = lower(w.name))`;
      await sql`
        update instances set reserved_for = array_replace(reserved_for, ${from}::uuid, ${to}::uuid)
        where ${from}::uuid = any(reserved_for)`;
    }),
  );
}
