import type { Database, SqlFragment } from '../connect-database.ts';
import { endedRequestCtes } from '../requests/end-request.ts';

/**
 * The tail of every statement that ends jobs. Expects a table expression `ended_job` with the columns of `jobs` after
 * the change, and adds: the person's charge corrected by what was really used, what of theirs is open, the day's usage, the
 * request's counters and (with its last job) its end and its deliveries, and the messages owed. A request that its agent
 * still works on, or wants back, is not ended here: it goes to the agent.
 *
 * The request's counters are changed in place, not counted again: two workers that end a request's last two jobs at the
 * same instant wait for each other on that row, and exactly one of them sees zero. Requests are locked before shares, and
 * several of each in the order of their ids, so that two such statements never wait for each other in a circle.
 */
export function endJobsTail(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    locked_share as (
      select person_id from fair_shares where person_id in (select person_id from ended_job) order by person_id
      for no key update
    ), corrected as (
      update fair_shares s set charged_gpu_seconds = greatest(0, s.charged_gpu_seconds + d.difference),
        open_jobs = greatest(0, s.open_jobs - d.jobs), open_images = greatest(0, s.open_images - d.images),
        open_gpu_seconds = greatest(0, s.open_gpu_seconds - d.estimated)
      from (
        select person_id, sum(coalesce(gpu_seconds, 0) - charged_gpu_seconds) as difference, count(*)::int as jobs,
          sum(images)::int as images, sum(estimated_gpu_seconds) as estimated
        from ended_job join locked_share using (person_id) group by person_id
      ) d
      where s.person_id = d.person_id
    ), used as (
      insert into usage_days as u (person_id, day, jobs, images, gpu_seconds)
      select person_id, (now() at time zone 'utc')::date, count(*)::int,
        coalesce(sum(images) filter (where state = 'succeeded'), 0)::int, sum(coalesce(gpu_seconds, 0))
      from ended_job group by person_id order by person_id
      on conflict (person_id, day) do update set jobs = u.jobs + excluded.jobs, images = u.images + excluded.images,
        gpu_seconds = u.gpu_seconds + excluded.gpu_seconds
    ), ending as (
      select request_id, count(*)::int as jobs, count(*) filter (where state = 'succeeded')::int as succeeded,
        (array_agg(error) filter (where error is not null))[1] as error
      from ended_job group by request_id
    ), locked_request as (
      select id from requests where id in (select request_id from ending) order by id for no key update
    ), touched_request as (
      update requests r set jobs_open = r.jobs_open - e.jobs, jobs_succeeded = r.jobs_succeeded + e.succeeded,
        version = r.version + 1, updated_at = now(),
        state = case when r.jobs_open - e.jobs > 0 or ${agentHasIt(db)} then r.state
                     when ${agentWantsIt(db)} then 'accepted'
                     when r.jobs_succeeded + e.succeeded > 0 then 'succeeded'
                     when r.cancel_requested_at is not null then 'cancelled'
                     else 'failed' end,
        finished_at = case when r.jobs_open - e.jobs > 0 or ${agentHasIt(db)} or ${agentWantsIt(db)} then null
                           else now() end,
        agent_wake = case when r.jobs_open - e.jobs > 0 then r.agent_wake end,
        error = case when e.error is null then r.error
                     else jsonb_build_object('code', e.error->'code', 'message', e.error->'message') end
      from ending e join locked_request l on l.id = e.request_id where r.id = e.request_id
      returning r.*
    ), ended_request as (
      select * from touched_request where finished_at is not null
    ), woken_messages as (
      select key, case key when 'requestChanged' then '{"state": "accepted"}'::jsonb else '{}'::jsonb end as tokens,
             jsonb_build_object('requestId', id, 'door', door, 'state', state, 'version', version) as data,
             id as correlation_id
      from touched_request cross join (values ('requestSubmitted'), ('requestChanged')) as keys(key)
      where state = 'accepted'
    ), ${endedRequestCtes(db)}, job_messages as (
      select 'jobChanged' as key, jsonb_build_object('state', state) as tokens,
             jsonb_build_object('jobId', id, 'requestId', request_id, 'state', state, 'version', version) as data,
             request_id as correlation_id
      from ended_job
    )
    insert into outbox (key, tokens, data, correlation_id)
    select * from job_messages union all select * from request_messages union all select * from woken_messages
    returning id, key, tokens, data, correlation_id`;
}

/** An agent still works on the request `r`, or waits for its author: it will end it. */
function agentHasIt(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`r.state in ('accepted', 'planning', 'asking')`;
}

/** The agent of the request `r` waits for this end, which `e` tells: see `agent_wake`. */
function agentWantsIt(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`(r.cancel_requested_at is null and r.agent_wake is not null
    and (r.agent_wake = 'end' or r.jobs_succeeded + e.succeeded = 0))`;
}
