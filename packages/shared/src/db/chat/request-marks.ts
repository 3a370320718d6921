import { uuidSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/** Everybody may see it from now on. False where they could before. */
export async function markShared(db: Pick<Database, 'sql'>, requestId: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into request_marks (request_id, shared_at) values (${requestId}, now())
    on conflict (request_id) do update set shared_at = now() where request_marks.shared_at is null
    returning request_id`,
  );
  return rows.length > 0;
}

/**
 * Takes the pictures of a request that has ended away: from its jobs, from favourites, and from the store as soon as
 * nothing else is the same file. False where it has not ended.
 */
export async function deleteResult(db: Pick<Database, 'sql'>, requestId: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with ended as (
      select id from requests where id = ${requestId} and finished_at is not null
    ), marked as (
      insert into request_marks (request_id, deleted_at) select id, now() from ended
      on conflict (request_id) do update set deleted_at = coalesce(request_marks.deleted_at, now())
      returning request_id
    ), gone as (
      delete from job_outputs o using jobs j, ended e where j.request_id = e.id and o.job_id = j.id
      returning o.hash, o.thumbnail_hash, o.media_type, o.bytes
    ), unkept as (
      delete from favourites f using jobs j, ended e where j.request_id = e.id and f.job_id = j.id
    ), files as (
      select hash, min(media_type) as media_type, max(bytes) as bytes from (
        select hash, media_type, bytes from gone
        union all select thumbnail_hash, 'image/webp', 0 from gone where thumbnail_hash is not null
      ) every group by hash
    ), expiring as (
      insert into assets (hash, media_type, bytes, expires_at) select hash, media_type, bytes, now() from files
      on conflict (hash) do nothing
    )
    select request_id from marked`,
  );
  return rows.length > 0;
}

/** @returns false where this person has reported it before. */
export async function addReport(
  db: Pick<Database, 'sql'>,
  report: { requestId: string; personId: string; picture?: number; reason: string },
): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into chat_reports (request_id, person_id, picture, reason)
    values (${report.requestId}, ${report.personId}, ${report.picture ?? null}::smallint, ${report.reason})
    on conflict do nothing returning request_id`,
  );
  return rows.length > 0;
}

/** Of the last week. */
export async function countReports(db: Pick<Database, 'sql'>): Promise<number> {
  const rows = await withDatabaseErrors(
    () => db.sql`select count(*)::int as count from chat_reports where created_at > now() - interval '7 days'`,
  );
  return Number(rows[0]?.['count'] ?? 0);
}

/** The request that asks, or asked, this question. */
export async function findQuestionRequest(db: Pick<Database, 'sql'>, questionId: string): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id from requests where finished_at is null and state = 'asking' and question->>'id' = ${questionId}
    union all
    select request_id from agent_answers where question_id = ${questionId}
    limit 1`,
  );
  return rows[0] === undefined ? undefined : uuidSchema.parse(rows[0]['id']);
}
