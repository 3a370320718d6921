import { withDatabaseErrors } from '../database-error.ts';
import type { Database, SqlFragment } from '../connect-database.ts';

/** What something is made from: earlier requests, and stored files by their hashes. */
export interface MadeFrom {
  requestIds: readonly string[];
  hashes: readonly string[];
}

/**
 * The condition that some of this is a person's own result that is still for them alone, so that what comes of it must be
 * too. Nobody else's counts: what is private to others is not theirs to use.
 */
export function isMadeOfPrivate(
  db: Pick<Database, 'sql'>,
  personId: string,
  { requestIds, hashes }: MadeFrom,
): SqlFragment {
  return db.sql`exists (
    select from requests source left join request_marks m on m.request_id = source.id
    where source.is_private and m.shared_at is null and source.person_id = ${personId}::uuid
      and source.id in (
        select unnest(${[...requestIds]}::uuid[])
        union all
        select j.request_id from job_outputs o join jobs j on j.id = o.job_id where o.hash = any(${[...hashes]}::text[])
      )
  )`;
}

/** Whether some of this is a person's own result that is still for them alone: see {@link isMadeOfPrivate}. */
export async function comesOfPrivate(db: Pick<Database, 'sql'>, personId: string, from: MadeFrom): Promise<boolean> {
  const rows = await withDatabaseErrors(() => db.sql`select ${isMadeOfPrivate(db, personId, from)} as is_private`);
  return rows[0]?.['isPrivate'] === true;
}
