import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import type { InstanceLease } from '../instances/instance-store.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import { endJobsTail } from './end-jobs.ts';
import { parseJobRows, type ReadJobs } from './job-row.ts';
import { jobChangedMessages } from './job-transitions.ts';

export interface AdoptedJobs extends ReadJobs {
  outbox: OutboxRow[];
}

/**
 * Takes over every unfinished job bound to this instance from its earlier holders: epoch + 1, same prompt_id, no new
 * attempt. A job that was running when its worker died counts a takeover, unless that worker gave its lease up itself.
 * They are locked in the order of their ids, as a beat or a cancel locks several, so that none waits for another in a circle.
 */
export async function adoptJobs(db: Database, instance: InstanceLease, orderly: boolean): Promise<AdoptedJobs> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with held as (
      select lease_expires_at from instances where id = ${instance.instanceId} and holder = ${instance.holder}
        and epoch = ${instance.epoch} and lease_expires_at > clock_timestamp()
    ), bound as (
      select j.id, held.lease_expires_at from held, jobs j
      where j.instance_id = ${instance.instanceId} and j.instance_epoch < ${instance.epoch}
        and j.state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')
      order by j.id for no key update of j
    ), adopted as (
      update jobs j set epoch = j.epoch + 1, instance_epoch = ${instance.epoch}, version = j.version + 1,
        lease_expires_at = bound.lease_expires_at,
        takeovers = j.takeovers + case when j.state = 'running' and not ${orderly}::boolean then 1 else 0 end
      from bound where j.id = bound.id
      returning j.*
    ), message as (${jobChangedMessages(db, 'adopted', true)})
    select a.*, jsonb_build_object('id', m.id, 'key', m.key, 'tokens', m.tokens, 'data', m.data,
      'correlationId', m.correlation_id) as message
    from adopted a join message m on (m.data->>'jobId')::uuid = a.id
    order by a.posted_at`,
  );
  return {
    ...parseJobRows(rows),
    outbox: rows.map((row) => outboxRowSchema.parse(row['message'])),
  };
}

/**
 * Frees jobs whose instance nobody holds any more. What was only prepared goes back at once; what may be in that
 * ComfyUI only after `strandedAfterMs`, because its next worker would rather adopt it. Where a cancel is wanted, the
 * job ends instead.
 */
export async function rescueStranded(db: Database, strandedAfterMs: number): Promise<OutboxRow[]> {
  const stranded = db.sql`
    select j.id, j.person_id, j.charged_gpu_seconds from jobs j join instances i on i.id = j.instance_id
    where j.state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')
      and i.lease_expires_at < clock_timestamp() and j.lease_expires_at < clock_timestamp()
      and (j.state = 'leased'
        or i.lease_expires_at < clock_timestamp() - ${strandedAfterMs} * interval '1 millisecond')
    limit 100 for update of j skip locked`;
  const cancelled = await withDatabaseErrors(
    () => db.sql`
    with stranded as (${stranded}), ended_job as (
      update jobs j set state = 'cancelled', version = j.version + 1, epoch = j.epoch + 1, finished_at = now(),
        gpu_seconds = 0, lease_expires_at = null
      from stranded where j.id = stranded.id and j.cancel_requested_at is not null
      returning j.*
    ), ${endJobsTail(db)}`,
  );
  const freed = await withDatabaseErrors(
    () => db.sql`
    with stranded as (${stranded}), rescued as (
      update jobs j set state = 'queued', version = j.version + 1, epoch = j.epoch + 1, instance_id = null,
        instance_epoch = null, lease_expires_at = null, prompt_id = null, posted_at = null, started_at = null,
        charged_gpu_seconds = 0
      from stranded where j.id = stranded.id and j.cancel_requested_at is null
      returning j.*
    ), refunded as (
      update fair_shares s set charged_gpu_seconds = greatest(0, s.charged_gpu_seconds - r.charged)
      from (
        select person_id, sum(stranded.charged_gpu_seconds) as charged
        from stranded join rescued using (id, person_id) group by person_id
      ) r
      where s.person_id = r.person_id
    ), message as (${jobChangedMessages(db, 'rescued', true)})
    select * from message`,
  );
  return [...cancelled, ...freed].map((row) => outboxRowSchema.parse(row));
}
