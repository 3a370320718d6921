import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { inTransaction, type Queries } from '../in-transaction.ts';

/** Whose becomes whose. */
interface Move {
  from: string;
  to: string;
}

/** Everything of one person becomes another's. What both have is merged; of settings the other's count. */
export async function movePerson(db: Pick<Database, 'sql'>, from: string, to: string): Promise<void> {
  const move: Move = { from, to };
  await withDatabaseErrors(() =>
    inTransaction(db, async (tx) => {
      await tx.sql`select id from people where id in (${from}, ${to}) order by id for update`;
      await moveIdentities(tx, move);
      await moveRequests(tx, move);
      await mergeAccounts(tx, move);
      await mergeLimits(tx, move);
      await mergeChoices(tx, move);
      await moveWorkflowsAndFiles(tx, move);
    }),
  );
}

/** What they are known as, and what they may still sign in with. */
async function moveIdentities({ sql }: Queries, { from, to }: Move): Promise<void> {
  await sql`update identities set person_id = ${to} where person_id = ${from}`;
  // Codes of who was moved are the other's now: used the other way round, one finds them the same already.
  await sql`update link_codes set person_id = ${to} where person_id = ${from}`;
  await sql`update sign_in_codes set person_id = ${to} where person_id = ${from} and used_at is null`;
}

async function moveRequests({ sql }: Queries, { from, to }: Move): Promise<void> {
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
}

/** What was used, and what is owed for it. */
async function mergeAccounts({ sql }: Queries, { from, to }: Move): Promise<void> {
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
}

/** Of two limits the smaller one: linking lifts none. `least` leaves nulls out. Servers kept for one are kept for the other. */
async function mergeLimits({ sql }: Queries, { from, to }: Move): Promise<void> {
  await sql`
    with old as (delete from quotas where person_id = ${from} returning *)
    insert into quotas as q (person_id, gpu_seconds_per_day, images_per_day, pending_jobs)
    select ${to}::uuid, gpu_seconds_per_day, images_per_day, pending_jobs from old
    on conflict (person_id) do update set
      gpu_seconds_per_day = least(q.gpu_seconds_per_day, excluded.gpu_seconds_per_day),
      images_per_day = least(q.images_per_day, excluded.images_per_day),
      pending_jobs = least(q.pending_jobs, excluded.pending_jobs)`;
  await sql`
    update instances set reserved_for = array_replace(reserved_for, ${from}::uuid, ${to}::uuid)
    where ${from}::uuid = any(reserved_for)`;
}

/** What they chose and keep. */
async function mergeChoices({ sql }: Queries, { from, to }: Move): Promise<void> {
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
}

/** Where both have one of a name, each stays where it was. */
async function moveWorkflowsAndFiles({ sql }: Queries, { from, to }: Move): Promise<void> {
  await sql`
    update door_prompts p set person_id = ${to} where person_id = ${from}
      and not exists (select from door_prompts o where o.person_id = ${to} and o.prompt_id = p.prompt_id)`;
  await sql`
    update door_files f set person_id = ${to} where person_id = ${from}
      and not exists (select from door_files o where o.person_id = ${to} and o.path = f.path)`;
  await sql`
    update saved_workflows w set person_id = ${to} where person_id = ${from}
      and not exists (select from saved_workflows o where o.person_id = ${to} and lower(o.name) = lower(w.name))`;
}
