import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { assetHashSchema } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { requestColumns } from '../requests/read-requests.ts';
import { requestRecordSchema, type RequestRecord } from '../requests/request-row.ts';

export interface PageOf<T> {
  items: T[];
  /** At most {@link MAX_LISTED}: further back nobody pages. */
  total: number;
}

/** Beyond this, lists end. */
const MAX_LISTED = 1_000;

/**
 * What a person asked for wherever they are known, newest first; what they deleted is left out.
 *
 * @param query.withPrivate false where others read along: what is for its author alone is left out as well.
 */
export async function listRequests(
  db: Database,
  query: {
    personId: string;
    limit: number;
    offset: number;
    search?: string;
    openFirst?: boolean;
    withPrivate?: boolean;
  },
): Promise<PageOf<RequestRecord>> {
  const { personId, limit, offset, search } = query;
  const like = search === undefined ? null : `%${search.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with mine as (
      select r.id, r.created_at, r.finished_at from requests r
      left join request_marks m on m.request_id = r.id
      where r.person_id = ${personId} and m.deleted_at is null
        and (${query.withPrivate !== false} or not r.is_private or m.shared_at is not null)
        and (${like}::text is null or r.body::text ilike ${like} or r.plan->>'prompt' ilike ${like}
          or r.reply ilike ${like})
      order by r.created_at desc limit ${MAX_LISTED}
    )
    select ${requestColumns(db)}, (select count(*)::int from mine) as total
    from mine join requests r on r.id = mine.id join people p on p.id = r.person_id
    order by ${query.openFirst === true ? db.sql`mine.finished_at is not null,` : db.sql``} mine.created_at desc
    limit ${limit} offset ${offset}`,
  );
  return { items: rows.map((row) => requestRecordSchema.parse(row)), total: Number(rows[0]?.['total'] ?? 0) };
}

/** A request by the beginning of its id, 4 digits at least: the newest that begins so. */
export async function findRequestByPrefix(db: Database, prefix: string): Promise<string | undefined> {
  const digits = prefix.toLowerCase().replaceAll('-', '');
  if (!/^[0-9a-f]{4,32}$/.test(digits)) return undefined;
  const bound = (fill: string): string =>
    digits.padEnd(32, fill).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id from requests where id between ${bound('0')}::uuid and ${bound('f')}::uuid order by created_at desc limit 1`,
  );
  return rows[0] === undefined ? undefined : uuidSchema.parse(rows[0]['id']);
}

const pictureSchema = z.object({
  requestId: uuidSchema,
  /** Counts all outputs of the request, from 0. */
  picture: z.coerce.number().int(),
  hash: assetHashSchema,
  mediaType: z.string(),
  bytes: z.coerce.number(),
  width: z.int().nullable(),
  height: z.int().nullable(),
  thumbnailHash: assetHashSchema.nullable(),
  filename: z.string(),
  prompt: z.string().nullable(),
  author: z.string(),
  at: z.date(),
});
export type ListedPicture = z.infer<typeof pictureSchema>;

/**
 * What everybody may look at: pictures of requests that were made where others read along, or that their author shared;
 * newest first. Pictures that only show which part would be redrawn are no results.
 */
export async function listGallery(
  db: Database,
  query: { limit: number; offset: number },
): Promise<PageOf<ListedPicture>> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with shown as (
      select r.id, r.finished_at, r.person_id, r.plan from requests r left join request_marks m on m.request_id = r.id
      where r.finished_at is not null and r.state = 'succeeded' and m.deleted_at is null
        and r.plan->>'shownRegion' is null
        and (m.shared_at is not null or (not r.is_private
          and (r.place->>'guildId' is not null or (r.door = 'telegram' and r.place->>'id' like '-%'))))
      order by r.finished_at desc limit ${MAX_LISTED}
    ), pictures as (
      select s.id as request_id, row_number() over (partition by s.id order by j.index, o.index) - 1 as picture, o.hash,
        o.media_type, o.bytes, o.width, o.height, o.thumbnail_hash, o.filename, s.plan->>'prompt' as prompt,
        s.person_id, s.finished_at as at
      from shown s join jobs j on j.request_id = s.id join job_outputs o on o.job_id = j.id and o.kind is null
    )
    select t.*, p.display_name as author, (select count(*)::int from pictures) as total
    from pictures t join people p on p.id = t.person_id
    order by t.at desc, t.request_id, t.picture limit ${query.limit} offset ${query.offset}`,
  );
  return pageOf(rows);
}

/** What a person keeps, latest kept first; without what is private, as {@link listRequests}. */
export async function listFavourites(
  db: Database,
  query: { personId: string; limit: number; offset: number; withPrivate?: boolean },
): Promise<PageOf<ListedPicture>> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with kept as (
      select f.job_id, f.output_index, f.created_at from favourites f
        join jobs j on j.id = f.job_id join requests r on r.id = j.request_id
        left join request_marks m on m.request_id = r.id
      where f.person_id = ${query.personId} and r.plan->>'shownRegion' is null
        and (${query.withPrivate !== false} or not r.is_private or m.shared_at is not null)
      order by f.created_at desc limit ${MAX_LISTED}
    )
    select j.request_id, o.hash, o.media_type, o.bytes, o.width, o.height, o.thumbnail_hash, o.filename,
      r.plan->>'prompt' as prompt, p.display_name as author, k.created_at as at,
      (select count(*) from jobs e join job_outputs x on x.job_id = e.id and x.kind is null
        where e.request_id = j.request_id and (e.index, x.index) < (j.index, o.index)) as picture,
      (select count(*)::int from kept) as total
    from kept k join jobs j on j.id = k.job_id join job_outputs o on o.job_id = k.job_id and o.index = k.output_index
      join requests r on r.id = j.request_id join people p on p.id = r.person_id
    order by k.created_at desc limit ${query.limit} offset ${query.offset}`,
  );
  return pageOf(rows);
}

function pageOf(rows: readonly Record<string, unknown>[]): PageOf<ListedPicture> {
  return { items: rows.map((row) => pictureSchema.parse(row)), total: Number(rows[0]?.['total'] ?? 0) };
}

/**
 * Keeps a picture, or no longer; `wish` absent: the other way round. A picture that is not there is not kept.
 *
 * @returns whether it is kept now.
 */
export async function setFavourite(
  db: Pick<Database, 'sql'>,
  picture: { personId: string; jobId: string; outputIndex: number; hash: string },
  wish?: boolean,
): Promise<boolean> {
  const { personId, jobId, outputIndex, hash } = picture;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with removed as (
      delete from favourites where person_id = ${personId} and hash = ${hash} and ${wish ?? null}::boolean is not true
      returning hash
    ), added as (
      insert into favourites (person_id, hash, job_id, output_index)
      select ${personId}::uuid, ${hash}, ${jobId}::uuid, ${outputIndex}::int
      where ${wish ?? null}::boolean is not false and not exists (select from removed)
      on conflict do nothing returning hash
    )
    select exists (select from added) or (${wish ?? null}::boolean is true) as kept`,
  );
  return rows[0]?.['kept'] === true;
}

/** Which of these files the person keeps. */
export async function readFavourites(
  db: Pick<Database, 'sql'>,
  personId: string,
  hashes: readonly string[],
): Promise<Set<string>> {
  if (hashes.length === 0) return new Set();
  const rows = await withDatabaseErrors(
    () => db.sql`select hash from favourites where person_id = ${personId} and hash = any(${hashes as string[]})`,
  );
  return new Set(rows.map((row) => String(row['hash'])));
}
