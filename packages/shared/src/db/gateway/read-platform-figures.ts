import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

const quantilesSchema = z.object({ count: z.coerce.number(), p50: z.number().nullable(), p95: z.number().nullable() });
const figuresSchema = z.object({
  /** Jobs by state, and by class where they wait. */
  jobs: z.array(z.object({ state: z.string(), class: z.string(), jobs: z.number(), oldestSeconds: z.number() })),
  requests: z.array(z.object({ state: z.string(), door: z.string(), requests: z.number(), oldestSeconds: z.number() })),
  /** Of jobs that ended in the last hour: waiting until the start, and GPU seconds by recipe. */
  waits: z.array(quantilesSchema.extend({ class: z.string() })),
  runs: z.array(quantilesSchema.extend({ recipe: z.string() })),
  /** Of jobs that ended in the last hour. */
  ended: z.array(z.object({ state: z.string(), code: z.string(), jobs: z.number() })),
  retries: z.coerce.number(),
  recovered: z.coerce.number(),
  crashes: z.coerce.number(),
  outOfMemory: z.coerce.number(),
  /** GPU seconds in the last five minutes, by instance, as a share of that time. */
  instances: z.array(
    z.object({
      id: z.string(),
      alive: z.boolean(),
      paused: z.boolean(),
      busyShare: z.number(),
      foreignPrompts: z.number(),
    }),
  ),
  deliveries: z.array(
    z.object({ door: z.string(), state: z.string(), deliveries: z.number(), oldestSeconds: z.number() }),
  ),
  webhooks: z.array(z.object({ state: z.string(), deliveries: z.number() })),
  outbox: z.coerce.number(),
  outboxOldestSeconds: z.coerce.number(),
  /** Today, of everybody. */
  today: z.object({
    jobs: z.coerce.number(),
    images: z.coerce.number(),
    gpuSeconds: z.coerce.number(),
    inputTokens: z.coerce.number(),
    outputTokens: z.coerce.number(),
    dollars: z.coerce.number(),
  }),
});
/** What an operator watches, as of one instant. */
export type PlatformFigures = z.infer<typeof figuresSchema>;

/** Reads all figures in one round trip; every part uses an index or a short table. */
export async function readPlatformFigures(db: Pick<Database, 'sql'>): Promise<PlatformFigures> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with recent as (
      select class, recipe, state, gpu_seconds, attempts, takeovers, crashes, out_of_memory, error->>'code' as code,
        extract(epoch from started_at - queued_at)::float8 as waited
      from jobs where finished_at > now() - interval '1 hour'
    ), busy as (
      select instance_id, sum(extract(epoch from least(coalesce(finished_at, now()), now())
        - greatest(started_at, now() - interval '5 minutes'))) / 300 as share
      from jobs
      where instance_id is not null and started_at is not null
        and (finished_at > now() - interval '5 minutes'
          or state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing'))
      group by instance_id
    )
    select
      coalesce((select jsonb_agg(x) from (select state, class, count(*)::int as jobs,
        extract(epoch from now() - min(queued_at))::float8 as "oldestSeconds" from jobs
        where state in ('queued', 'leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')
        group by state, class) x), '[]') as jobs,
      coalesce((select jsonb_agg(x) from (select state, door, count(*)::int as requests,
        extract(epoch from now() - min(created_at))::float8 as "oldestSeconds" from requests where finished_at is null
        group by state, door) x), '[]') as requests,
      coalesce((select jsonb_agg(x) from (select class, count(*)::int as count,
        percentile_cont(0.5) within group (order by waited) as p50, percentile_cont(0.95) within group (order by waited) as p95
        from recent where waited is not null group by class) x), '[]') as waits,
      coalesce((select jsonb_agg(x) from (select recipe, count(*)::int as count,
        percentile_cont(0.5) within group (order by gpu_seconds) as p50,
        percentile_cont(0.95) within group (order by gpu_seconds) as p95
        from recent where state = 'succeeded' and gpu_seconds is not null group by recipe
        order by count(*) desc limit 50) x), '[]') as runs,
      coalesce((select jsonb_agg(x) from (select state, coalesce(code, '') as code, count(*)::int as jobs from recent
        group by state, coalesce(code, '')) x), '[]') as ended,
      coalesce((select sum(greatest(attempts - 1, 0)) from recent), 0) as retries,
      coalesce((select sum(takeovers) from recent where state = 'succeeded'), 0) as recovered,
      coalesce((select sum(crashes) from recent), 0) as crashes,
      coalesce((select sum(out_of_memory) from recent), 0) as out_of_memory,
      coalesce((select jsonb_agg(x) from (select i.id, i.lease_expires_at > clock_timestamp() as alive, i.paused,
        least(1, greatest(0, coalesce(b.share, 0)))::float8 as "busyShare",
        coalesce((i.status->>'foreignPrompts')::int, 0) as "foreignPrompts"
        from instances i left join busy b on b.instance_id = i.id order by i.id limit 200) x), '[]') as instances,
      coalesce((select jsonb_agg(x) from (select door, state, count(*)::int as deliveries,
        extract(epoch from now() - min(created_at))::float8 as "oldestSeconds" from deliveries
        where state in ('pending', 'sending') group by door, state) x), '[]') as deliveries,
      coalesce((select jsonb_agg(x) from (select state, count(*)::int as deliveries from webhook_deliveries
        group by state) x), '[]') as webhooks,
      (select count(*) from outbox) as outbox,
      coalesce((select extract(epoch from now() - min(created_at)) from outbox), 0) as outbox_oldest_seconds,
      (select jsonb_build_object('jobs', coalesce(sum(jobs), 0), 'images', coalesce(sum(images), 0),
        'gpuSeconds', coalesce(sum(gpu_seconds), 0), 'inputTokens', coalesce(sum(input_tokens), 0),
        'outputTokens', coalesce(sum(output_tokens), 0), 'dollars', coalesce(sum(micro_dollars), 0) / 1e6)
        from (
          select jobs, images, gpu_seconds, input_tokens, output_tokens, micro_dollars from usage_days
          where day = (now() at time zone 'UTC')::date
          union all
          -- Until retention adds them up, what language models cost stands here.
          select 0, 0, 0, input_tokens + cache_read_tokens + cache_write_tokens, output_tokens, micro_dollars
          from agent_usage where day = (now() at time zone 'UTC')::date
        ) used) as today`,
  );
  return figuresSchema.parse(rows[0]);
}
