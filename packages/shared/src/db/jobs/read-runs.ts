import { z } from 'zod';
import { jobPromiseSchema } from '../../contracts/job.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';

const finishedRunSchema = z.object({
  id: z.string(),
  model: z.string().nullable(),
  steps: z.number().nullable(),
  pixels: z.number().nullable(),
  images: z.number(),
  loras: z.number().nullable(),
  estimatedGpuSeconds: z.number(),
  gpuSeconds: z.number(),
  /** What its person was told, as far as it can be read and the job ran at its first try. */
  promise: jobPromiseSchema.nullable().catch(null),
  /** From that word to the start; null without one. */
  waitedSeconds: z.number().nullable(),
  /** Seconds since 1970, by the database's clock. */
  queuedAt: z.number(),
  finishedAt: z.number(),
});
/** A job that succeeded, as estimates learn from it. */
export type FinishedRun = z.infer<typeof finishedRunSchema>;

/** How far a commit may lag behind the time that it carries. */
const OVERLAP_SECONDS = 5;

/**
 * The last jobs that succeeded, oldest first.
 *
 * @param after `finishedAt` of the last one that is known: only what ended since, and for a few seconds before, since a commit
 *   becomes visible later than the time it carries; so some come twice.
 */
export async function readFinishedRuns(
  db: Pick<Database, 'sql'>,
  query: { limit: number; after?: number },
): Promise<FinishedRun[]> {
  const since =
    query.after === undefined
      ? db.sql``
      : db.sql`and finished_at > to_timestamp(${query.after - OVERLAP_SECONDS}::float8)`;
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id, model, steps, pixels, images, loras, estimated_gpu_seconds, gpu_seconds,
      case when attempts <= 1 then promise end as promise,
      extract(epoch from started_at)::float8 - (promise->>'at')::float8 as waited_seconds,
      extract(epoch from queued_at)::float8 as queued_at, extract(epoch from finished_at)::float8 as finished_at
    from jobs where finished_at is not null ${since} and state = 'succeeded' and gpu_seconds is not null
    order by finished_at desc limit ${query.limit}`,
  );
  return rows.map((row) => finishedRunSchema.parse(row)).toReversed();
}
