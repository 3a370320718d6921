import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import type { InstanceLease } from '../instances/instance-store.ts';
import { parseJobRows, type JobRecord, type ReadJobs } from './job-row.ts';

/** One choice of the scheduler, to be committed. */
export interface JobPick {
  jobId: string;
  /** From the pick: see `@atelier/queue/pick-job`. */
  floorGpuSeconds: number;
  chargeGpuSeconds: number;
  /** Given: straight to `posting` under this id. Absent: to `leased`, to be prepared. */
  promptId?: string;
}

/**
 * queued -> leased, or queued -> leased -> posting at once, for one job or for several that follow one another. Charges their
 * people, moves the queue's floor, remembers what the GPU will hold.
 *
 * @param queueVersion `version` of the snapshot that the first choice was made on; each further one was made on what the choice
 *   before left.
 * @returns the jobs that were taken, in that order. One that was cancelled, or of several one whose row is locked just now, is
 *   left out. None at all: somebody picked meanwhile, or the instance lease is gone: look at the queue again.
 *
 * A charge is added to what the row says now, lifted to the floor that the choice was made on (the version proves
 * it): a job of the same person may have ended since, and its correction must stay. The instance's row is locked, so
 * that a takeover comes before these picks, which then are not made, or after them, and then adopts the jobs. A statement
 * that takes several jobs waits for none of their rows, so that no two such statements can wait for each other.
 */
export async function pickQueuedJobs(
  db: Database,
  instance: InstanceLease,
  queueVersion: number,
  picks: readonly JobPick[],
): Promise<ReadJobs> {
  const lock = picks.length > 1 ? db.sql`skip locked` : db.sql``;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with wanted as (
      select (w->>'jobId')::uuid as job_id, (w->>'promptId')::uuid as prompt_id, place,
        (w->>'chargeGpuSeconds')::float8 as charge, (w->>'floorGpuSeconds')::float8 as floor
      from jsonb_array_elements(${db.sql.json(picks.map((pick) => ({ ...pick })))}) with ordinality as list(w, place)
    ), turn as (
      update queue_state set version = version + ${picks.length}::int,
        floor_gpu_seconds = greatest(floor_gpu_seconds, (select max(floor) from wanted))
      where id = 1 and version = ${queueVersion} returning id
    ), held as (
      select lease_expires_at from instances where id = ${instance.instanceId} and holder = ${instance.holder}
        and epoch = ${instance.epoch} and lease_expires_at > clock_timestamp()
      for no key update
    ), free as (
      select j.id, w.prompt_id, w.charge, w.floor, w.place, held.lease_expires_at
      from turn, held, wanted w join jobs j on j.id = w.job_id
      where j.state = 'queued' and j.cancel_requested_at is null
      for no key update of j ${lock}
    ), picked as (
      update jobs j set state = case when free.prompt_id is null then 'leased' else 'posting' end,
        version = j.version + 1, epoch = j.epoch + 1, instance_id = ${instance.instanceId},
        instance_epoch = ${instance.epoch}, lease_expires_at = free.lease_expires_at, prompt_id = free.prompt_id,
        posted_at = case when free.prompt_id is not null then clock_timestamp() end, charged_gpu_seconds = free.charge
      from free where j.id = free.id
      returning j.*, free.floor, free.place, split_part(j.residency_key, ' + ', 1) as checkpoint
    ), charges as (
      select p.person_id, p.charged_gpu_seconds as charge,
        greatest(q.floor_gpu_seconds, max(p.floor) over (order by place rows between unbounded preceding and 1 preceding))
          as floor,
        coalesce(sum(p.charged_gpu_seconds) over (
          partition by p.person_id order by place rows between unbounded preceding and 1 preceding), 0) as before
      from picked p, queue_state q where q.id = 1
    ), charged as (
      insert into fair_shares (person_id, charged_gpu_seconds)
      select person_id, max(floor - before) + sum(charge) from charges group by person_id order by person_id
      on conflict (person_id) do update set charged_gpu_seconds = (
        select sum(c.charge) +
          greatest(fair_shares.charged_gpu_seconds, max(fair_shares.weight * c.floor - c.before))
        from charges c where c.person_id = fair_shares.person_id)
    ), resident as (
      update instances i set resident_key = last.residency_key, resident_seconds = (
          select sum(p.charged_gpu_seconds) from picked p where p.place > last.changed_after
        ) + case when last.changed_after = 0 and split_part(i.resident_key, ' + ', 1) = last.checkpoint
              then i.resident_seconds else 0 end
      from (
        select p.residency_key, p.checkpoint, coalesce((
            select max(place) from picked other where other.checkpoint <> p.checkpoint), 0) as changed_after
        from picked p order by place desc limit 1
      ) last
      where i.id = ${instance.instanceId}
    )
    select * from picked order by place`,
  );
  return parseJobRows(rows);
}

/** {@link pickQueuedJobs} of one job; `undefined`: it was not taken. */
export async function pickQueuedJob(
  db: Database,
  instance: InstanceLease,
  { queueVersion, ...pick }: JobPick & { queueVersion: number },
): Promise<JobRecord | undefined> {
  const { jobs } = await pickQueuedJobs(db, instance, queueVersion, [pick]);
  return jobs[0];
}
