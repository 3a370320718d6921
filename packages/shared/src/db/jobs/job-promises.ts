import { jobPromiseSchema, type JobPromise } from '../../contracts/job.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';

export interface NewJobPromise extends Omit<JobPromise, 'at'> {
  jobId: string;
}

/**
 * Keeps what people were told about jobs that begin to wait, each job's first word only: what became of it teaches the next
 * forecasts, also after a restart.
 *
 * @param at of the snapshot that the forecast was made on.
 */
export async function recordPromises(
  db: Pick<Database, 'sql'>,
  at: number,
  promises: readonly NewJobPromise[],
): Promise<void> {
  if (promises.length === 0) return;
  const rows = promises.map(({ jobId, ...promise }) => ({
    jobId,
    promise: jobPromiseSchema.parse({ ...promise, at }),
  }));
  await withDatabaseErrors(
    () => db.sql`
    update jobs j set promise = p->'promise' from jsonb_array_elements(${db.sql.json(rows)}) as p
    where j.id = (p->>'jobId')::uuid and j.promise is null and j.state = 'queued'`,
  );
}
