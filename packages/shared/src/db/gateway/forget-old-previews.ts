import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/**
 * Lets go of previews of runs that ended longer ago than this, as ComfyUI does at its next start. Their files go with the
 * next look for expired ones, unless something else is the same file. @returns how many.
 */
export async function forgetOldPreviews(db: Pick<Database, 'sql'>, keepMs: number): Promise<number> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with gone as (
      delete from job_outputs o using jobs j
      where o.kind = 'preview' and j.id = o.job_id and j.finished_at < now() - ${keepMs} * interval '1 millisecond'
      returning o.hash, o.thumbnail_hash, o.media_type, o.bytes
    ), expiring as (
      insert into assets (hash, media_type, bytes, expires_at)
      select hash, min(media_type), max(bytes), now() from (
        select hash, media_type, bytes from gone
        union all select thumbnail_hash, 'image/webp', 0 from gone where thumbnail_hash is not null
      ) files group by hash
      on conflict (hash) do nothing
    )
    select count(*)::int as previews from gone`,
  );
  return z.int().parse(rows[0]?.['previews']);
}
