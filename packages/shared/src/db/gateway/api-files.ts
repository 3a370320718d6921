import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { assetHashSchema } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

const apiFileSchema = z.object({
  folder: z.string(),
  subfolder: z.string(),
  filename: z.string(),
  hash: assetHashSchema,
  mediaType: z.string(),
  bytes: z.coerce.number(),
  createdAt: z.date(),
});
/** A file under the name that its owner's workflows use. */
export type ApiFile = z.infer<typeof apiFileSchema>;

export interface NewApiFile {
  account: string;
  folder: string;
  subfolder: string;
  filename: string;
  hash: string;
  mediaType: string;
  bytes: number;
}

/**
 * Files of a name: of all the accounts of one person, because linking joins them; the newest wins.
 */
function ownedBy(db: Pick<Database, 'sql'>, personId: string) {
  return db.sql`account in (select platform_id from identities where door = 'api' and person_id = ${personId})`;
}

/**
 * Puts a file under a name. Without `overwrite`, a name that holds other bytes is left alone and `name (1).png`, `name (2).png`, …
 * is taken, as ComfyUI does; the same bytes under the same name are that file.
 */
export async function putApiFile(
  db: Pick<Database, 'sql'>,
  file: NewApiFile,
  options: { overwrite: boolean },
): Promise<ApiFile> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const filename = attempt === 0 ? file.filename : numbered(file.filename, attempt);
    const rows = await withDatabaseErrors(
      () => db.sql`
      insert into api_files (account, folder, subfolder, filename, hash, media_type, bytes)
      values (${file.account}, ${file.folder}, ${file.subfolder}, ${filename}, ${file.hash}, ${file.mediaType}, ${file.bytes})
      on conflict (account, folder, subfolder, filename) do update
        set hash = excluded.hash, media_type = excluded.media_type, bytes = excluded.bytes, created_at = now()
        where ${options.overwrite} or api_files.hash = excluded.hash
      returning *`,
    );
    if (rows[0] !== undefined) return apiFileSchema.parse(rows[0]);
  }
  throw new RangeError('a thousand files have this name');
}

function numbered(filename: string, number: number): string {
  const dot = filename.lastIndexOf('.');
  return dot <= 0 ? `${filename} (${number})` : `${filename.slice(0, dot)} (${number})${filename.slice(dot)}`;
}

export async function findApiFile(
  db: Pick<Database, 'sql'>,
  query: { personId: string; folder: string; subfolder: string; filename: string },
): Promise<ApiFile | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select * from api_files where ${ownedBy(db, query.personId)} and folder = ${query.folder}
      and subfolder = ${query.subfolder} and filename = ${query.filename}
    order by created_at desc limit 1`,
  );
  return rows[0] === undefined ? undefined : apiFileSchema.parse(rows[0]);
}

/** Which of these paths (`name.png`, `folder/name.png`) are uploaded input files of a person. */
export async function findInputFiles(
  db: Pick<Database, 'sql'>,
  personId: string,
  paths: readonly string[],
): Promise<Map<string, ApiFile>> {
  if (paths.length === 0) return new Map();
  const rows = await withDatabaseErrors(
    () => db.sql`
    select * from (
      select *, case when subfolder = '' then filename else subfolder || '/' || filename end as path from api_files
      where ${ownedBy(db, personId)} and folder = 'input'
    ) f where path = any(${[...paths]}) order by created_at`,
  );
  return new Map(rows.map((row) => [String(row['path']), apiFileSchema.parse(row)]));
}

/** A person's uploaded files in a folder, newest first. */
export async function listApiFiles(
  db: Pick<Database, 'sql'>,
  query: { personId: string; folder: string; limit: number },
): Promise<ApiFile[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select * from api_files where ${ownedBy(db, query.personId)} and folder = ${query.folder}
    order by created_at desc limit ${query.limit}`,
  );
  return rows.map((row) => apiFileSchema.parse(row));
}

const outputFileSchema = z.object({
  hash: assetHashSchema,
  mediaType: z.string(),
  bytes: z.coerce.number(),
  filename: z.string(),
});
export type OutputFile = z.infer<typeof outputFileSchema>;
const listedOutputSchema = outputFileSchema.extend({ requestId: uuidSchema });

/** The newest output of a person under the name that ComfyUI gave it. */
export async function findOutputFile(
  db: Pick<Database, 'sql'>,
  query: { personId: string; filename: string; requestId?: string },
): Promise<OutputFile | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select o.hash, o.media_type, o.bytes, o.filename from job_outputs o join jobs j on j.id = o.job_id
    where j.person_id = ${query.personId} and o.filename = ${query.filename}
      ${query.requestId === undefined ? db.sql`` : db.sql`and j.request_id = ${query.requestId}`}
    order by j.finished_at desc nulls last limit 1`,
  );
  return rows[0] === undefined ? undefined : outputFileSchema.parse(rows[0]);
}

/** What a person's runs put out, newest first, each with its request; without contact sheets and previews. */
export async function listOutputFiles(
  db: Pick<Database, 'sql'>,
  query: { personId: string; limit: number },
): Promise<(OutputFile & { requestId: string })[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select o.hash, o.media_type, o.bytes, o.filename, j.request_id
    from (
      select id, request_id, finished_at from jobs
      where person_id = ${query.personId} and state = 'succeeded' order by finished_at desc limit ${query.limit}
    ) j
    join job_outputs o on o.job_id = j.id and o.kind is null
    order by j.finished_at desc, j.id, o.index limit ${query.limit}`,
  );
  return rows.map((row) => listedOutputSchema.parse(row));
}

/**
 * The media type of a file that a person may see: an output of theirs or its thumbnail, or an upload of theirs.
 * Undefined for everything else, whether it exists or not.
 */
export async function readVisibleMediaType(
  db: Pick<Database, 'sql'>,
  personId: string,
  hash: string,
): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select o.media_type from job_outputs o join jobs j on j.id = o.job_id
    where o.hash = ${hash} and j.person_id = ${personId}
    union all
    select 'image/webp' from job_outputs o join jobs j on j.id = o.job_id
    where o.thumbnail_hash = ${hash} and j.person_id = ${personId}
    union all
    select media_type from api_files where hash = ${hash} and ${ownedBy(db, personId)}
    limit 1`,
  );
  return rows[0] === undefined ? undefined : String(rows[0]['mediaType']);
}
