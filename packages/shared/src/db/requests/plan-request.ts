import { newJobSchema, type NewJob } from '../../contracts/job.ts';
import type { PlanSummary } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { outboxRowSchema, type OutboxRow } from '../outbox-row.ts';
import type { AgentLease } from './agent-lease.ts';

/**
 * Commits a plan: planning -> working, its jobs queued, their doorbells owed, in one statement. Job ids are the
 * caller's, derived from the request, so that a repeat writes the same rows.
 *
 * `undefined`: the lease was lost, the request has ended or its cancel was asked for; nothing was written.
 */
export async function planRequest(
  db: Database,
  lease: AgentLease,
  plan: PlanSummary,
  newJobs: readonly NewJob[],
): Promise<OutboxRow[] | undefined> {
  const jobs = newJobs.map((job) => newJobSchema.parse(job));
  if (jobs.length === 0) throw new RangeError('a plan needs at least one job');
  const rows = await withDatabaseErrors(
    () => db.sql`
    with planned as (
      update requests set state = 'working', plan = ${db.sql.json(plan)}, jobs_total = ${jobs.length},
        jobs_open = ${jobs.length}, version = version + 1, updated_at = now(), agent_lease_expires_at = null
      where id = ${lease.requestId} and agent_holder = ${lease.holder} and agent_epoch = ${lease.epoch}
        and state = 'planning' and agent_lease_expires_at > clock_timestamp() and cancel_requested_at is null
      returning id, door, person_id, state, version
    ), queued as (
      insert into jobs (id, request_id, person_id, index, class, recipe, workflow_text, inputs, classes, residency_key,
        estimate_key, estimated_gpu_seconds, images, time_limit_seconds, state)
      select (j->>'id')::uuid, planned.id, planned.person_id, (j->>'index')::int, j->>'class', j->>'recipe',
        j->>'workflowText', j->'inputs', array(select jsonb_array_elements_text(j->'classes')), j->>'residencyKey',
        j->>'estimateKey', (j->>'estimatedGpuSeconds')::float8, (j->>'images')::int, (j->>'timeLimitSeconds')::int,
        'queued'
      from planned, jsonb_array_elements(${db.sql.json(jobs)}) as j order by (j->>'index')::int
      returning id, request_id, state, version
    )
    insert into outbox (key, tokens, data, correlation_id)
    select 'requestChanged', jsonb_build_object('state', state),
           jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version), id from planned
    union all
    select 'jobChanged', jsonb_build_object('state', state),
           jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version), request_id
    from queued
    returning id, key, tokens, data, correlation_id`,
  );
  return rows.length === 0 ? undefined : rows.map((row) => outboxRowSchema.parse(row));
}
