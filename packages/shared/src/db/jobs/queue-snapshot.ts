import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { jobClassSchema, jobStateSchema } from '../../contracts/job.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/** What the jobs of one kind have in common. */
const kindSchema = z.object({
  personId: uuidSchema,
  class: jobClassSchema,
  recipe: z.string(),
  residencyKey: z.string(),
  estimateKey: z.string(),
  estimatedGpuSeconds: z.number(),
  classes: z.array(z.string()),
  /** What the server must have: see `JobNeeds` of packages/queue. */
  models: z.array(z.string()),
  vramGb: z.number(),
  priority: z.int(),
  /** What decides how long it runs: see `ServiceFeatures` of packages/queue. Absent in jobs of earlier versions. */
  model: z.string().nullable(),
  steps: z.int().nullable(),
  pixels: z.int().nullable(),
  loras: z.int().nullable(),
  images: z.int(),
  /** Its person was told when it would start. */
  promised: z.boolean(),
});
/** Jobs of one kind, in no order: each value has its place in all four lists. */
const queuedKindSchema = kindSchema.extend({
  ids: z.array(uuidSchema),
  requestIds: z.array(uuidSchema),
  seqs: z.array(z.number()),
  waitedSeconds: z.array(z.number()),
});
const ownSchema = z.object({ id: uuidSchema, requestId: uuidSchema, seq: z.number(), waitedSeconds: z.number() });
const activeJobSchema = kindSchema.extend({
  ...ownSchema.shape,
  state: jobStateSchema,
  instanceId: z.string().nullable(),
  /** Since it started to run; absent before. */
  ranSeconds: z.number().nullable(),
});
const shareSchema = z.object({ personId: uuidSchema, chargedGpuSeconds: z.number(), weight: z.number() });
const instanceSchema = z.object({
  id: z.string(),
  alive: z.boolean(),
  paused: z.boolean(),
  residentKey: z.string().nullable(),
  /** GPU seconds of its streak of jobs with that checkpoint. */
  residentSeconds: z.number(),
  /** Names what it can run: see `readInstanceOffers`. */
  registryHash: z.string().nullable(),
  /** GiB; null until a worker said so. */
  vramGb: z.number().nullable(),
  reservedFor: z.array(uuidSchema).nullable(),
  /** Its ComfyUI answered at the last look. */
  answers: z.boolean(),
  foreignPrompts: z.int(),
});

/** What this version cannot read is left to workers of the version that wrote it: it must not keep all others from working. */
function knownOf<T extends z.ZodType>(schema: T) {
  return z.array(schema.optional().catch(undefined)).transform((items) => items.filter((item) => item !== undefined));
}

const snapshotSchema = z.object({
  version: z.coerce.number(),
  /** By the database's clock, in seconds since 1970. */
  at: z.coerce.number(),
  floorGpuSeconds: z.number(),
  queued: knownOf(queuedKindSchema).transform(jobsOfKinds),
  active: knownOf(activeJobSchema),
  shares: z.array(shareSchema),
  instances: z.array(instanceSchema),
  /** Median GPU seconds of the last 50 runs, by estimate key, of the keys that are queued or active. */
  measured: z.array(z.object({ estimateKey: z.string(), gpuSeconds: z.number(), runs: z.number() })),
});

/** All that a pick or an estimate needs, as of one instant: queued and active jobs, shares, instances, measurements. */
export type QueueSnapshot = z.infer<typeof snapshotSchema>;

type QueuedJob = z.infer<typeof kindSchema> & z.infer<typeof ownSchema>;

function jobsOfKinds(kinds: readonly z.infer<typeof queuedKindSchema>[]): QueuedJob[] {
  const jobs = kinds.flatMap(({ ids, requestIds, seqs, waitedSeconds, ...kind }) =>
    ids.map((id, at) => ({
      ...kind,
      id,
      requestId: requestIds[at] ?? id,
      seq: seqs[at] ?? 0,
      waitedSeconds: waitedSeconds[at] ?? 0,
    })),
  );
  return jobs.sort((a, b) => a.seq - b.seq);
}

/**
 * Reads the queue in one round trip. `version` is what a pick made on it must still find. Where more than `limit` jobs
 * wait, the first ones of each person, class, priority, model, recipe and size of GPU are seen before others, and of both as many
 * of everybody's: who queues thousands hides nobody else, and none of their own jobs that another GPU could run. What jobs have
 * in common travels once, since long queues are many jobs of few kinds and are read often.
 */
export async function readQueueSnapshot(db: Database, limit = 2_000): Promise<QueueSnapshot> {
  // Named one by one: workflows are long, and nobody needs them here.
  const columns = db.sql`person_id, class, recipe, residency_key, estimate_key, estimated_gpu_seconds, classes, models,
    vram_gb, priority, model, steps, pixels, loras, images, promise is not null as promised`;
  const kind = db.sql`person_id, class, recipe, residency_key, estimate_key, estimated_gpu_seconds, classes, models,
    vram_gb, priority, model, steps, pixels, loras, images, promised`;
  const fields = db.sql`'personId', person_id, 'class', class, 'recipe', recipe, 'residencyKey', residency_key,
    'estimateKey', estimate_key, 'estimatedGpuSeconds', estimated_gpu_seconds, 'classes', classes, 'models', models,
    'vramGb', vram_gb, 'priority', priority, 'model', model, 'steps', steps, 'pixels', pixels, 'loras', loras,
    'images', images, 'promised', promised`;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with ranked as (
      select id, request_id, seq, queued_at, ${columns},
        row_number() over (partition by person_id, class, priority, residency_key, recipe, vram_gb order by seq) as turn
      from jobs
      where state = 'queued' and cancel_requested_at is null and (not_before is null or not_before <= now())
    ), q as (
      select *, row_number() over (partition by person_id order by turn, seq) as place
      from ranked order by turn > 1, place, seq limit ${limit}
    ), kinds as (
      select ${kind}, array_agg(id) as ids, array_agg(request_id) as request_ids, array_agg(seq) as seqs,
        array_agg(round(extract(epoch from now() - queued_at), 3)) as waited_seconds
      from q group by ${kind}
    ), a as (
      select id, request_id, seq, queued_at, ${columns}, state, instance_id, started_at from jobs
      where state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')
    ), keys as (
      select distinct estimate_key from (select estimate_key from kinds union all select estimate_key from a) k
    )
    select s.version, s.floor_gpu_seconds, extract(epoch from clock_timestamp())::float8 as at,
      coalesce((select jsonb_agg(jsonb_build_object(${fields}, 'ids', ids, 'requestIds', request_ids, 'seqs', seqs,
        'waitedSeconds', waited_seconds)) from kinds), '[]') as queued,
      coalesce((select jsonb_agg(jsonb_build_object(${fields}, 'id', id, 'requestId', request_id, 'seq', seq,
        'waitedSeconds', extract(epoch from coalesce(started_at, now()) - queued_at), 'state', state,
        'instanceId', instance_id, 'ranSeconds', extract(epoch from now() - started_at)) order by seq) from a), '[]')
        as active,
      coalesce((select jsonb_agg(jsonb_build_object('personId', person_id, 'chargedGpuSeconds', charged_gpu_seconds,
        'weight', weight)) from fair_shares
        where person_id in (select person_id from kinds union select person_id from a)), '[]') as shares,
      coalesce((select jsonb_agg(jsonb_build_object('id', id, 'alive', lease_expires_at > clock_timestamp(),
        'paused', paused, 'residentKey', resident_key, 'residentSeconds', resident_seconds, 'registryHash', registry_hash,
        'vramGb', (status->>'vramTotal')::float8 / 1073741824, 'reservedFor', reserved_for,
        'answers', coalesce(status->>'state' <> 'waiting_for_comfyui', true),
        'foreignPrompts', coalesce((status->>'foreignPrompts')::int, 0)) order by id) from instances), '[]') as instances,
      coalesce((select jsonb_agg(jsonb_build_object('estimateKey', k.estimate_key, 'gpuSeconds', m.median,
        'runs', m.runs)) from keys k cross join lateral (
          select percentile_cont(0.5) within group (order by gpu_seconds) as median, count(*) as runs from (
            select gpu_seconds from jobs where estimate_key = k.estimate_key and state = 'succeeded'
              and gpu_seconds is not null order by finished_at desc limit 50
          ) last
        ) m where m.runs > 0), '[]') as measured
    from queue_state s where s.id = 1`,
  );
  return snapshotSchema.parse(rows[0]);
}
