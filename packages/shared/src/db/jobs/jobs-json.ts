import { z } from 'zod';
import { jobOutputSchema } from '../../contracts/job.ts';
import type { Database, SqlFragment } from '../connect-database.ts';
import { rowFromJson } from '../row-from-json.ts';
import { jobRecordSchema, type JobWithOutputs } from './job-row.ts';

const rowSchema = z.record(z.string(), z.unknown());
const outputsSchema = z.array(jobOutputSchema);

/** An expression: the outputs of the job `j` in the order of their index, as JSON of `JobOutput`. */
export function outputsJson(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`coalesce((
      select jsonb_agg(jsonb_strip_nulls(jsonb_build_object('index', o.index, 'hash', o.hash, 'mediaType', o.media_type,
        'bytes', o.bytes, 'width', o.width, 'height', o.height, 'thumbnailHash', o.thumbnail_hash, 'nodeId', o.node_id,
        'filename', o.filename, 'kind', o.kind)) order by o.index)
      from job_outputs o where o.job_id = j.id), '[]'::jsonb)`;
}

/** An expression: the jobs of the request `r` by index with their outputs, for {@link jobsFromJson}. */
export function jobsJson(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`coalesce((
      select jsonb_agg(to_jsonb(j) || jsonb_build_object('outputs', ${outputsJson(db)}) order by j.index)
      from jobs j where j.request_id = r.id), '[]'::jsonb)`;
}

export function jobsFromJson(value: unknown): JobWithOutputs[] {
  return z
    .array(rowSchema)
    .parse(value)
    .map((row) => jobWithOutputs(rowFromJson(row)));
}

/** @param row a row of `jobs` with `outputs`; a contact sheet and previews stand apart from what the job made. */
export function jobWithOutputs(row: Readonly<Record<string, unknown>>): JobWithOutputs {
  const all = outputsSchema.parse(row['outputs']);
  const sheet = all.find(({ kind }) => kind === 'sheet');
  const outputs = all.filter(({ kind }) => kind === undefined);
  const previews = all.filter(({ kind }) => kind === 'preview');
  return {
    ...jobRecordSchema.parse(row),
    outputs,
    ...(sheet === undefined ? {} : { sheet }),
    ...(previews.length === 0 ? {} : { previews }),
  };
}
