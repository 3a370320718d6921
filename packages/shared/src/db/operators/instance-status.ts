import { z } from 'zod';
import { publicErrorSchema } from '../../contracts/request.ts';
import { liveWorkerStatusSchema } from '../../contracts/live.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';

const heldJobSchema = z.object({
  jobId: z.string(),
  requestId: z.string(),
  personId: z.string(),
  personName: z.string().nullable(),
  recipe: z.string(),
  model: z.string().nullable(),
  state: z.string(),
  /** Since it started to run; null before. */
  ranSeconds: z.number().nullable(),
  estimatedGpuSeconds: z.number(),
});

const instanceStatusSchema = z.object({
  id: z.string(),
  /** A worker holds its lease. */
  alive: z.boolean(),
  paused: z.boolean(),
  reservedFor: z.array(z.string()).nullable(),
  seenAt: z.date(),
  /** What its worker reported last: state, ComfyUI's version, the GPU, its memory, prompts that are not ours. */
  reported: liveWorkerStatusSchema.nullable().catch(null),
  /**
   * Models that its GPU is taken to hold: those of the last job posted there. Inferred, not reported: ComfyUI does not
   * tell. Null after a restart, after freeing memory, and when somebody else's prompt ran.
   */
  residentModels: z.string().nullable(),
  /** On the GPU first, then posted behind it, then being stored. */
  jobs: z.array(heldJobSchema),
  /** Of the last 50 jobs that succeeded here: pixels × steps × images a second; null when none did. */
  pixelStepsPerSecond: z.number().nullable(),
  /** Jobs that ended here within 24 hours. */
  succeeded: z.number(),
  failed: z.number(),
  /** Of the last job that failed here within 24 hours. */
  lastError: publicErrorSchema.nullable(),
  lastErrorAt: z.date().nullable(),
});
/** One ComfyUI, as an operator sees it. */
export type InstanceStatus = z.infer<typeof instanceStatusSchema>;

/** Every ComfyUI that was ever served, those with a living worker first: in one round trip. */
export async function readInstanceStatus(db: Pick<Database, 'sql'>): Promise<InstanceStatus[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select i.id, i.lease_expires_at > clock_timestamp() as alive, i.paused, i.reserved_for, i.seen_at,
      nullif(i.status, '{}'::jsonb) as reported, i.resident_key as resident_models,
      coalesce(held.jobs, '[]') as jobs, speed.pixel_steps_per_second, day.succeeded, day.failed,
      jsonb_build_object('code', last.error->'code', 'message', last.error->'message') as last_error,
      last.finished_at as last_error_at
    from instances i
    left join lateral (
      select jsonb_agg(jsonb_build_object('jobId', j.id, 'requestId', j.request_id, 'personId', j.person_id,
        'personName', p.display_name, 'recipe', j.recipe, 'model', j.model, 'state', j.state,
        'ranSeconds', extract(epoch from now() - j.started_at), 'estimatedGpuSeconds', j.estimated_gpu_seconds)
        order by j.state <> 'running', j.state = 'storing', j.posted_at) as jobs
      from jobs j left join people p on p.id = j.person_id
      where j.instance_id = i.id and j.state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')
    ) held on true
    left join lateral (
      select sum(pixels::float8 * steps * images) / nullif(sum(gpu_seconds), 0) as pixel_steps_per_second from (
        select pixels, steps, images, gpu_seconds from jobs
        where instance_id = i.id and finished_at > now() - interval '7 days' and state = 'succeeded'
          and pixels is not null and steps is not null
        order by finished_at desc limit 50
      ) recent
    ) speed on true
    cross join lateral (
      select count(*) filter (where state = 'succeeded')::int as succeeded,
        count(*) filter (where state in ('failed', 'quarantined'))::int as failed
      from jobs where instance_id = i.id and finished_at > now() - interval '24 hours'
    ) day
    left join lateral (
      select error, finished_at from jobs
      where instance_id = i.id and finished_at > now() - interval '24 hours' and state in ('failed', 'quarantined')
      order by finished_at desc limit 1
    ) last on true
    order by alive desc, i.id`,
  );
  return rows.map((row) =>
    instanceStatusSchema.parse({ ...row, lastError: row['lastErrorAt'] === null ? null : row['lastError'] }),
  );
}
