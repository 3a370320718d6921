import { jobEventSchema } from '../../contracts/event.ts';
import type { JobOutput } from '../../contracts/job.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { endJobsTail } from './end-jobs.ts';
import type { JobLease } from './job-lease.ts';

/** A job that succeeded, with what it made. */
export interface FinishedJob {
  lease: JobLease;
  outputs: readonly JobOutput[];
  gpuSeconds: number;
}

/** Jobs that one statement ends at most: its `limit`, which the planner needs to know. */
export const maxFinishedTogether = 16;

/**
 * -> succeeded, with their outputs, for one job or for up to {@link maxFinishedTogether}; ends a request with its last job.
 *
 * @returns the ids of those whose leases held, and the messages owed. Of several, one whose row is locked just now is left out
 *   too: finish it alone, which waits. A statement that ends several jobs waits for none of their rows, so that it and a
 *   heartbeat or a cancel, which lock several too, never wait for each other.
 */
export async function finishJobs(
  db: Database,
  jobs: readonly FinishedJob[],
): Promise<{ finished: ReadonlySet<string>; outbox: OutboxRow[] }> {
  if (jobs.length > maxFinishedTogether) throw new RangeError(`${jobs.length} jobs are too many for one statement`);
  const given = jobs.map(({ lease, outputs, gpuSeconds }) => {
    const { jobId, epoch, instance } = lease;
    const { instanceId, holder, epoch: instanceEpoch } = instance;
    return { jobId, epoch, instanceId, holder, instanceEpoch, gpuSeconds, outputs: [...outputs] };
  });
  const lock = jobs.length > 1 ? db.sql`skip locked` : db.sql``;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with given as (
      select (g->>'jobId')::uuid as job_id, (g->>'epoch')::int as epoch, g->>'instanceId' as instance_id,
        (g->>'holder')::uuid as holder, (g->>'instanceEpoch')::int as instance_epoch,
        (g->>'gpuSeconds')::float8 as gpu_seconds, g->'outputs' as outputs
      from jsonb_array_elements(${db.sql.json(given)}) as list(g)
      limit 16
    ), held as (
      select j.id, g.gpu_seconds, g.outputs from given g cross join lateral (
        select id from jobs
        where id = g.job_id and epoch = g.epoch and instance_id = g.instance_id and instance_epoch = g.instance_epoch
          and lease_expires_at > clock_timestamp()
          and state in ('posting', 'posted', 'withdrawing', 'running', 'storing')
        for no key update ${lock}
      ) j
      where exists (
        select from instances i where i.id = g.instance_id and i.holder = g.holder and i.epoch = g.instance_epoch
          and i.lease_expires_at > clock_timestamp())
    ), ended_job as (
      update jobs j set state = 'succeeded', gpu_seconds = held.gpu_seconds, error = null,
        attempts = greatest(j.attempts, 1), started_at = coalesce(j.started_at, j.posted_at), version = j.version + 1,
        finished_at = now(), lease_expires_at = null
      from held where j.id = held.id
      returning j.*, held.outputs
    ), stored as (
      insert into job_outputs (job_id, index, hash, media_type, bytes, width, height, thumbnail_hash, node_id, filename,
        kind)
      select e.id, (o->>'index')::int, o->>'hash', o->>'mediaType', (o->>'bytes')::bigint, (o->>'width')::int,
        (o->>'height')::int, o->>'thumbnailHash', o->>'nodeId', o->>'filename', o->>'kind'
      from ended_job e cross join jsonb_array_elements(e.outputs) as o
    ), ${endJobsTail(db)}`,
  );
  const outbox = rows.map((row) => outboxRowSchema.parse(row));
  return { finished: new Set(outbox.flatMap(jobIdOf)), outbox };
}

/** Each job that ended owes one message that names it. */
function jobIdOf({ key, data }: OutboxRow): string[] {
  return key === 'jobChanged' ? [jobEventSchema.parse(data).jobId] : [];
}

/** {@link finishJobs} of one job; `undefined`: the lease was lost. */
export async function finishJob(
  db: Database,
  lease: JobLease,
  result: Omit<FinishedJob, 'lease'>,
): Promise<OutboxRow[] | undefined> {
  const { finished, outbox } = await finishJobs(db, [{ lease, ...result }]);
  return finished.has(lease.jobId) ? outbox : undefined;
}
