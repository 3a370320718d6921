import type { Database } from './connect-database.ts';
import { withDatabaseErrors } from './database-error.ts';

export interface RegisteredAsset {
  hash: string;
  mediaType: string;
  bytes: number;
  /** Kept for this long after now; absent: kept. Registering again only ever extends it. */
  keepMs?: number;
}

/** Remembers a stored file that somebody handed in, and until when it is kept. */
export async function registerAsset(db: Database, asset: RegisteredAsset): Promise<void> {
  const expiry = asset.keepMs === undefined ? db.sql`null` : db.sql`now() + ${asset.keepMs} * interval '1 millisecond'`;
  await withDatabaseErrors(
    () => db.sql`
    insert into assets (hash, media_type, bytes, expires_at)
    values (${asset.hash}, ${asset.mediaType}, ${asset.bytes}, ${expiry})
    on conflict (hash) do update set expires_at =
      case when assets.expires_at is null or excluded.expires_at is null then null
           else greatest(assets.expires_at, excluded.expires_at) end`,
  );
}

/** Files that are used go on being kept for this long after now; those that are kept for good stay so. */
export async function keepUsedAssets(
  db: Pick<Database, 'sql'>,
  hashes: readonly string[],
  keepMs: number,
): Promise<void> {
  if (hashes.length === 0) return;
  await withDatabaseErrors(
    // Once a day is enough.
    () => db.sql`
    update assets set expires_at = now() + ${keepMs} * interval '1 millisecond'
    where hash = any(${[...hashes]}) and expires_at < now() + ${keepMs} * interval '1 millisecond' - interval '1 day'`,
  );
}

/**
 * Forgets files past their time that no output uses and nobody keeps as a favourite, with the names that programs gave them,
 * and returns their hashes, whose bytes may now be deleted.
 */
export async function takeExpiredAssets(db: Database, limit: number): Promise<string[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with gone as (delete from assets where hash in (
      select a.hash from assets a where a.expires_at < now()
        and not exists (select from job_outputs o where o.hash = a.hash)
        and not exists (select from job_outputs o where o.thumbnail_hash = a.hash)
        and not exists (select from instances i where i.registry_hash = a.hash)
        and not exists (select from favourites f where f.hash = a.hash)
      limit ${limit} for update skip locked
    ) returning hash), named as (
      delete from api_files where hash in (select hash from gone)
    )
    select hash from gone`,
  );
  return rows.map((row) => String(row['hash']));
}

/**
 * Undoes {@link takeExpiredAssets} for files whose bytes could not be deleted, so that the next look takes them again. What was
 * handed in meanwhile stays as it is.
 */
export async function putBackExpiredAssets(db: Database, hashes: readonly string[]): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    insert into assets (hash, media_type, bytes, expires_at)
    select hash, 'application/octet-stream', 0, now() from unnest(${[...hashes]}::text[]) as hash
    on conflict do nothing`,
  );
}
