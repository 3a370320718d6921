import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { jobWithOutputs, outputsJson } from './jobs-json.ts';
import { jobRecordSchema, type JobRecord, type JobWithOutputs } from './job-row.ts';

/** The jobs of some requests with their outputs, by request and index; a contact sheet stands apart from what it shows. */
export async function readJobsOfRequests(db: Database, requestIds: readonly string[]): Promise<JobWithOutputs[]> {
  if (requestIds.length === 0) return [];
  const rows = await withDatabaseErrors(
    () => db.sql`
    select j.*, ${outputsJson(db)} as outputs
    from jobs j where j.request_id = any(${requestIds}::uuid[]) order by j.request_id, j.index`,
  );
  return rows.map(jobWithOutputs);
}

export async function readJob(db: Database, id: string): Promise<JobRecord | undefined> {
  const rows = await withDatabaseErrors(() => db.sql`select * from jobs where id = ${id}`);
  return rows[0] === undefined ? undefined : jobRecordSchema.parse(rows[0]);
}

/** The type of a file that the page and links may serve: of a job that is kept, or handed in and not past its time. */
export async function readOutputMediaType(db: Database, hash: string): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select media_type from job_outputs where hash = ${hash}
    union all select 'image/webp' from job_outputs where thumbnail_hash = ${hash}
    union all select media_type from assets where hash = ${hash} and (expires_at is null or expires_at > now())
    limit 1`,
  );
  return rows[0] === undefined ? undefined : String(rows[0]['mediaType']);
}
