import type { Database, SqlFragment } from '../connect-database.ts';
import { endedRequestCtes } from '../requests/end-request.ts';

/**
 * The tail of every statement that ends jobs. Expects a table expression `ended_job` with the columns of `jobs` after
 * the change, and adds: the person's charge corrected by what was really used, the request's counters and (with its
 * last job) its end and its deliveries, and the messages owed.
 *
 * The request's counters are changed in place, not counted again: two workers that end a request's last two jobs at the
 * same instant wait for each other on that row, and exactly one of them sees zero.
 */
export function endJobsTail(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    corrected as (
      update fair_shares s set charged_gpu_seconds = greatest(0, s.charged_gpu_seconds + d.difference)
      from (
        select person_id, sum(coalesce(gpu_seconds, 0) - charged_gpu_seconds) as difference
        from ended_job group by person_id
      ) d
      where s.person_id = d.person_id
    ), ending as (
      select request_id, count(*)::int as jobs, count(*) filter (where state = 'succeeded')::int as succeeded,
        (array_agg(error) filter (where error is not null))[1] as error
      from ended_job group by request_id
    ), touched_request as (
      update requests r set jobs_open = r.jobs_open - e.jobs, jobs_succeeded = r.jobs_succeeded + e.succeeded,
        version = r.version + 1, updated_at = now(),
        state = case when r.jobs_open - e.jobs > 0 then r.state
                     when r.jobs_succeeded + e.succeeded > 0 then 'succeeded'
                     when r.cancel_requested_at is not null then 'cancelled'
                     else 'failed' end,
        finished_at = case when r.jobs_open - e.jobs > 0 then null else now() end,
        error = case when e.error is null then r.error
                     else jsonb_build_object('code', e.error->'code', 'message', e.error->'message') end
      from ending e where r.id = e.request_id
      returning r.*
    ), ended_request as (
      select * from touched_request where finished_at is not null
    ), ${endedRequestCtes(db)}, job_messages as (
      select 'jobChanged' as key, jsonb_build_object('state', state) as tokens,
             jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version) as data,
             request_id as correlation_id
      from ended_job
    )
    insert into outbox (key, tokens, data, correlation_id)
    select * from job_messages union all select * from request_messages
    returning id, key, tokens, data, correlation_id`;
}
