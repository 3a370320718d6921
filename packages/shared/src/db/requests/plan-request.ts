import { z } from 'zod';
import { defaultQueueLimits, type QueueLimits } from '../../config/queue-settings.ts';
import { newJobSchema, type NewJob } from '../../contracts/job.ts';
import type { PlanSummary } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import type { AgentLease } from './agent-lease.ts';
import { type QueueRoomFacts, refusalOf } from './queue-refusal.ts';

export type PlanLimits = Pick<QueueLimits, 'maxQueued' | 'maxQueuedPerPerson'>;

/** Looks at a request that could not be planned before it counts as refused: between the two, room may have come. */
const TRIES = 3;

/**
 * Commits a plan: planning -> working, its jobs queued, their doorbells owed, in one statement. Job ids are the
 * caller's, derived from the request, so that a repeat writes the same rows.
 *
 * A person's caps and quotas hold against other requests of theirs at the same instant: what is open is counted in their row
 * of `fair_shares`, which this statement raises only as far as they allow. The cap of the whole queue is counted anew each
 * time, so plans of the same instant may pass it by what they add.
 *
 * `undefined`: the lease was lost, the request has ended or its cancel was asked for; nothing was written.
 *
 * @param goesOn the agent keeps the request and its lease: its run is not over, and may add jobs again.
 * @throws AppError `rate_limited` (retry never) when a cap or a quota leaves no room, with a sentence that says which.
 */
export async function planRequest(
  db: Pick<Database, 'sql'>,
  lease: AgentLease,
  plan: PlanSummary,
  newJobs: readonly NewJob[],
  limits: PlanLimits = defaultQueueLimits,
  goesOn = false,
): Promise<OutboxRow[] | undefined> {
  const jobs = newJobs.map((job) => newJobSchema.parse(job));
  if (jobs.length === 0) throw new RangeError('a plan needs at least one job');
  for (let tries = 1; ; tries += 1) {
    const rows = await commitPlan(db, lease, plan, jobs, limits, goesOn);
    if (rows.length > 0) return rows.map((row) => outboxRowSchema.parse(row));
    const facts = await readRoom(db, lease);
    if (facts === undefined) return undefined;
    const refusal = refusalOf(facts, addedBy(jobs), limits);
    if (refusal !== undefined) throw refusal;
    if (tries === TRIES) return undefined;
  }
}

function addedBy(jobs: readonly NewJob[]): { jobs: number; images: number; gpuSeconds: number } {
  return {
    jobs: jobs.length,
    images: jobs.reduce((sum, job) => sum + job.images, 0),
    gpuSeconds: jobs.reduce((sum, job) => sum + job.estimatedGpuSeconds, 0),
  };
}

function commitPlan(
  db: Pick<Database, 'sql'>,
  lease: AgentLease,
  plan: PlanSummary,
  jobs: readonly NewJob[],
  limits: PlanLimits,
  goesOn: boolean,
): Promise<readonly Record<string, unknown>[]> {
  const added = addedBy(jobs);
  return withDatabaseErrors(
    () => db.sql`
    with mine as (
      select id, person_id from requests
      where ${leaseHeld(db, lease)} for update
    ), room as (
      select m.person_id, least(${limits.maxQueuedPerPerson}::int, q.pending_jobs) as jobs,
        coalesce(q.images_per_day - coalesce(u.images, 0), 2147483647) as images,
        coalesce(q.gpu_seconds_per_day - coalesce(u.gpu_seconds, 0), 'Infinity') as gpu_seconds
      from mine m left join quotas q on q.person_id = m.person_id
        left join usage_days u on u.person_id = m.person_id and u.day = (now() at time zone 'utc')::date
      where (select count(*) from jobs where state = 'queued') + ${added.jobs}::int <= ${limits.maxQueued}::int
    ), account as (
      insert into fair_shares as s (person_id, charged_gpu_seconds, open_jobs, open_images, open_gpu_seconds)
      select person_id, 0, ${added.jobs}::int, ${added.images}::int, ${added.gpuSeconds}::float8 from room
      where ${added.jobs}::int <= jobs and ${added.images}::int <= images and ${added.gpuSeconds}::float8 <= gpu_seconds
      on conflict (person_id) do update set open_jobs = s.open_jobs + excluded.open_jobs,
        open_images = s.open_images + excluded.open_images,
        open_gpu_seconds = s.open_gpu_seconds + excluded.open_gpu_seconds
      where s.open_jobs + excluded.open_jobs <= (select jobs from room)
        and s.open_images + excluded.open_images <= (select images from room)
        and s.open_gpu_seconds + excluded.open_gpu_seconds <= (select gpu_seconds from room)
      returning person_id
    ), planned as (
      update requests r set plan = ${db.sql.json(plan)}, jobs_total = r.jobs_total + ${jobs.length},
        jobs_open = r.jobs_open + ${jobs.length}, version = r.version + 1, updated_at = now()
        ${goesOn ? db.sql`` : db.sql`, state = 'working', agent_lease_expires_at = null`}
      from account where r.id = ${lease.requestId}
      returning r.id, r.door, r.person_id, r.state, r.version
    ), queued as (
      insert into jobs (id, request_id, person_id, index, class, recipe, workflow_text, inputs, classes, residency_key,
        estimate_key, estimated_gpu_seconds, images, time_limit_seconds, model, steps, pixels, loras, models, vram_gb,
        params, state)
      select (j->>'id')::uuid, planned.id, planned.person_id, (j->>'index')::int, j->>'class', j->>'recipe',
        j->>'workflowText', j->'inputs', array(select jsonb_array_elements_text(j->'classes')), j->>'residencyKey',
        j->>'estimateKey', (j->>'estimatedGpuSeconds')::float8, (j->>'images')::int, (j->>'timeLimitSeconds')::int,
        j->>'model', (j->>'steps')::int, (j->>'pixels')::int, (j->>'loras')::smallint,
        array(select jsonb_array_elements_text(coalesce(j->'models', '[]'))), coalesce((j->>'vramGb')::float8, 0),
        j->'params', 'queued'
      from planned, jsonb_array_elements(${db.sql.json([...jobs])}) as j order by (j->>'index')::int
      returning id, request_id, state, version
    )
    insert into outbox (key, tokens, data, correlation_id)
    select 'jobChanged', jsonb_build_object('state', state),
           jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version), request_id
    from queued
    union all
    select 'requestChanged', jsonb_build_object('state', state),
           jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version), id from planned
    returning id, key, tokens, data, correlation_id`,
  );
}

const roomSchema = z.object({
  queued: z.number(),
  openJobs: z.number(),
  openImages: z.number(),
  openGpuSeconds: z.number(),
  usedImages: z.number(),
  usedGpuSeconds: z.number(),
  quotaJobs: z.number().nullable(),
  quotaImages: z.number().nullable(),
  quotaGpuSeconds: z.number().nullable(),
});

/** Why a plan found no room; `undefined` when the lease is what is missing. */
async function readRoom(db: Pick<Database, 'sql'>, lease: AgentLease): Promise<QueueRoomFacts | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select (select count(*)::int from jobs where state = 'queued') as queued, coalesce(s.open_jobs, 0) as open_jobs,
      coalesce(s.open_images, 0) as open_images, coalesce(s.open_gpu_seconds, 0) as open_gpu_seconds,
      coalesce(u.images, 0) as used_images, coalesce(u.gpu_seconds, 0) as used_gpu_seconds,
      q.pending_jobs as quota_jobs, q.images_per_day as quota_images, q.gpu_seconds_per_day as quota_gpu_seconds
    from requests r left join fair_shares s on s.person_id = r.person_id
      left join quotas q on q.person_id = r.person_id
      left join usage_days u on u.person_id = r.person_id and u.day = (now() at time zone 'utc')::date
    where r.id in (select id from requests where ${leaseHeld(db, lease)})`,
  );
  return rows[0] === undefined ? undefined : roomSchema.parse(rows[0]);
}

/** The condition on `requests` under which this agent may still plan. */
function leaseHeld(db: Pick<Database, 'sql'>, lease: AgentLease) {
  return db.sql`id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
        and state = 'planning' and agent_lease_expires_at > clock_timestamp() and cancel_requested_at is null`;
}
