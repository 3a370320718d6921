import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/** A file that the front end keeps for a person. */
const doorFileSchema = z.object({
  path: z.string(),
  bytes: z.int(),
  createdAt: z.date(),
  modifiedAt: z.date(),
});
export type DoorFile = z.infer<typeof doorFileSchema>;

/** A person's files whose path begins so, by path. */
export async function listDoorFiles(db: Pick<Database, 'sql'>, personId: string, prefix: string): Promise<DoorFile[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select path, bytes, created_at, modified_at from door_files
    where person_id = ${personId} and starts_with(path, ${prefix}) order by path`,
  );
  return rows.map((row) => doorFileSchema.parse(row));
}

export async function readDoorFile(
  db: Pick<Database, 'sql'>,
  personId: string,
  path: string,
): Promise<(DoorFile & { content: Buffer }) | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select path, bytes, created_at, modified_at, content from door_files where person_id = ${personId} and path = ${path}`,
  );
  const row = rows[0];
  return row === undefined ? undefined : { ...doorFileSchema.parse(row), content: row['content'] as Buffer };
}

/**
 * Writes a file within a person's allowance of files and bytes. `exists`: it is there and may not be overwritten.
 */
export async function writeDoorFile(
  db: Pick<Database, 'sql'>,
  file: { personId: string; path: string; content: Buffer; overwrite: boolean },
  allowance: { files: number; bytes: number },
): Promise<{ outcome: 'written'; file: DoorFile } | { outcome: 'exists' | 'full' }> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with others as (
      select count(*) as files, coalesce(sum(bytes), 0) as bytes from door_files
      where person_id = ${file.personId} and path <> ${file.path}
    ), written as (
      insert into door_files (person_id, path, content, bytes)
      select ${file.personId}::uuid, ${file.path}, ${file.content}::bytea, ${file.content.length}
      from others where others.files < ${allowance.files} and others.bytes + ${file.content.length} <= ${allowance.bytes}
      on conflict (person_id, path) do update
        set content = excluded.content, bytes = excluded.bytes, modified_at = now() where ${file.overwrite}
      returning path, bytes, created_at, modified_at
    )
    select written.*, exists (select from door_files where person_id = ${file.personId} and path = ${file.path}) as there
    from (select 1) as one left join written on true`,
  );
  const row = rows[0];
  if (row?.['path'] != null) return { outcome: 'written', file: doorFileSchema.parse(row) };
  return { outcome: row?.['there'] === true && !file.overwrite ? 'exists' : 'full' };
}

/** False: there was none. */
export async function deleteDoorFile(db: Pick<Database, 'sql'>, personId: string, path: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`delete from door_files where person_id = ${personId} and path = ${path} returning path`,
  );
  return rows.length > 0;
}

/** Gives a file another path. `exists`: something is there and may not be overwritten. */
export async function moveDoorFile(
  db: Pick<Database, 'sql'>,
  move: { personId: string; from: string; to: string; overwrite: boolean },
): Promise<'moved' | 'exists' | 'missing'> {
  const { personId, from, to, overwrite } = move;
  // Both ends in one statement: whatever happens in between, the file has one of its two paths.
  const rows = await withDatabaseErrors(
    () => db.sql`
    with source as (select * from door_files where person_id = ${personId} and path = ${from}),
    taken as (select from door_files where person_id = ${personId} and path = ${to}),
    gone as (
      delete from door_files where person_id = ${personId} and path = ${from} and ${from} <> ${to}
        and (${overwrite} or not exists (select from taken))
      returning path
    ), moved as (
      insert into door_files (person_id, path, content, bytes, created_at, modified_at)
      select person_id, ${to}, content, bytes, created_at, modified_at from source where exists (select from gone)
      on conflict (person_id, path) do update set content = excluded.content, bytes = excluded.bytes,
        created_at = excluded.created_at, modified_at = excluded.modified_at where ${overwrite}
      returning path
    )
    select exists (select from source) as there, exists (select from moved) or ${from} = ${to} as done`,
  );
  if (rows[0]?.['there'] !== true) return 'missing';
  return rows[0]['done'] === true ? 'moved' : 'exists';
}
