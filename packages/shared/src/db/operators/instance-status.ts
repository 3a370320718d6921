import { z } from 'zod';
import { instanceHistorySchema, liveWorkerStatusSchema, type InstanceHistory } from '../../contracts/live.ts';
import type { Database, SqlFragment } from '../connect-database.ts';
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

export const instanceStatusSchema = z.object({
  id: z.string(),
  /** A worker holds its lease. */
  alive: z.boolean(),
  paused: z.boolean(),
  /** The people whose jobs alone it runs; null: everybody's. */
  reservedFor: z.array(z.object({ personId: z.string(), personName: z.string().nullable() })).nullable(),
  seenAt: z.date(),
  /** What its worker reported last: state, ComfyUI's version, the GPU, its memory, prompts that are not ours. */
  reported: liveWorkerStatusSchema.nullable().catch(null),
  history: instanceHistorySchema,
  /** On the GPU first, then posted behind it, then being stored. */
  jobs: z.array(heldJobSchema),
});
/** One ComfyUI, as an operator sees it. */
export type InstanceStatus = z.infer<typeof instanceStatusSchema>;

/** Jobs that are counted at most: the last ones, so that the figures cost the same however busy a day was. */
const MAX_COUNTED = 1_000;

/** Every ComfyUI that was ever served, those with a living worker first: in one round trip. */
export async function readInstanceStatus(db: Pick<Database, 'sql'>): Promise<InstanceStatus[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select i.id, i.lease_expires_at > clock_timestamp() as alive, i.paused, i.seen_at,
      case when i.reserved_for is not null then coalesce(kept.people, '[]') end as reserved_for,
      nullif(i.status, '{}'::jsonb) as reported, coalesce(held.jobs, '[]') as jobs, ${historyJson(db)} as history
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
      select jsonb_agg(jsonb_build_object('personId', one.id, 'personName', p.display_name) order by p.display_name) as people
      from unnest(i.reserved_for) as one(id) left join people p on p.id = one.id
    ) kept on true
    ${historyJoins(db)}
    order by alive desc, i.id`,
  );
  return rows.map((row) => instanceStatusSchema.parse(row));
}

/** What the jobs of one ComfyUI tell of it; undefined where no worker ever served it. */
export async function readInstanceHistory(
  db: Pick<Database, 'sql'>,
  instanceId: string,
): Promise<InstanceHistory | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`select ${historyJson(db)} as history from instances i ${historyJoins(db)} where i.id = ${instanceId}`,
  );
  return rows[0] === undefined ? undefined : instanceHistorySchema.parse(rows[0]['history']);
}

function historyJson(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    jsonb_build_object('residentModels', i.resident_key, 'speeds', coalesce(speed.list, '[]'),
      'succeeded', day.succeeded, 'failed', day.failed, 'lastError', last_error.said)`;
}

/** Of the instance `i`, all by the index of an instance's ended jobs; the counts read nothing but that index. */
function historyJoins(db: Pick<Database, 'sql'>): SqlFragment {
  return db.sql`
    left join lateral (
      select jsonb_agg(jsonb_build_object('recipe', recipe, 'model', model, 'jobs', runs, 'gpuSeconds', gpu_seconds,
        'stepsPerSecond', steps_per_second) order by runs desc, recipe, model) as list
      from (
        select recipe, model, count(*)::int as runs, percentile_cont(0.5) within group (order by gpu_seconds) as gpu_seconds,
          sum(steps) / nullif(sum(gpu_seconds) filter (where steps is not null), 0) as steps_per_second
        from (
          select recipe, model, steps, gpu_seconds from jobs
          where ${endedSince(db, '7 days')} and state = 'succeeded' and gpu_seconds is not null
          order by instance_id desc, finished_at desc limit 50
        ) recent
        group by recipe, model order by runs desc, recipe, model limit 5
      ) kinds
    ) speed on true
    cross join lateral (
      select count(*) filter (where state = 'succeeded')::int as succeeded,
        count(*) filter (where state in ('failed', 'quarantined'))::int as failed,
        max(finished_at) filter (where state in ('failed', 'quarantined')) as failed_at
      from (
        select state, finished_at from jobs where ${endedSince(db, '24 hours')}
        order by instance_id desc, finished_at desc limit ${MAX_COUNTED}
      ) recent
    ) day
    left join lateral (
      select jsonb_build_object('code', error->'code', 'message', error->'message', 'at', finished_at) as said from jobs
      where instance_id = i.id and finished_at = day.failed_at and state in ('failed', 'quarantined') and error is not null
      limit 1
    ) last_error on true`;
}

/**
 * Jobs that ended on the instance `i` since then. Worded so that nothing but the index of an instance's own ended jobs gives them
 * newest first: by the index of all ended jobs, an idle instance would cost a look at everything that the others did.
 */
function endedSince(db: Pick<Database, 'sql'>, interval: string): SqlFragment {
  return db.sql`(instance_id, finished_at) >= (i.id, now() - ${interval}::interval) and instance_id <= i.id
    and instance_id is not null and finished_at is not null`;
}
