import { z } from 'zod';
import { jobOutputSchema } from '../../contracts/job.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { jobRecordSchema, type JobRecord, type JobWithOutputs } from './job-row.ts';

const outputsSchema = z.array(jobOutputSchema);

/** The jobs of some requests with their outputs, by request and index. */
export async function readJobsOfRequests(db: Database, requestIds: readonly string[]): Promise<JobWithOutputs[]> {
  if (requestIds.length === 0) return [];
  const rows = await withDatabaseErrors(
    () => db.sql`
    select j.*, coalesce((
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('index', o.index, 'hash', o.hash, 'mediaType', o.media_type,
        'bytes', o.bytes, 'width', o.width, 'height', o.height, 'thumbnailHash', o.thumbnail_hash, 'nodeId', o.node_id,
        'filename', o.filename)) order by o.index)
      from job_outputs o where o.job_id = j.id), '[]'::jsonb) as outputs
    from jobs j where j.request_id = any(${requestIds}::uuid[]) order by j.request_id, j.index`,
  );
  return rows.map((row) => ({ ...jobRecordSchema.parse(row), outputs: outputsSchema.parse(row['outputs']) }));
}

export async function readJob(db: Database, id: string): Promise<JobRecord | undefined> {
  const rows = await withDatabaseErrors(() => db.sql`select * from jobs where id = ${id}`);
  return rows[0] === undefined ? undefined : jobRecordSchema.parse(rows[0]);
}

/** Whether some job put out this file: what the page and links may serve. */
export async function readOutputMediaType(db: Database, hash: string): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select media_type from job_outputs where hash = ${hash}
    union all select 'image/webp' from job_outputs where thumbnail_hash = ${hash}
    union all select media_type from assets where hash = ${hash} limit 1`,
  );
  return rows[0] === undefined ? undefined : String(rows[0]['mediaType']);
}
