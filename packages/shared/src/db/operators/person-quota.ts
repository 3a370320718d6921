import { z } from 'zod';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { auditedIn } from './admin-audit.ts';

/** Limits of a person; null: none but the queue's own caps. Days are UTC. */
const quotaSchema = z.object({
  gpuSecondsPerDay: z.number().min(0).nullable(),
  imagesPerDay: z.int().min(0).nullable(),
  /** Jobs that have not ended. */
  pendingJobs: z.int().min(0).nullable(),
});
export type Quota = z.infer<typeof quotaSchema>;

/** Sets a person's limits; they hold from the next plan on. All null: none. */
export async function setQuota(
  db: Pick<Database, 'sql'>,
  change: { actor: string; personId: string; quota: Quota },
): Promise<void> {
  const { actor, personId } = change;
  const quota = quotaSchema.parse(change.quota);
  await withDatabaseErrors(
    () => db.sql`
    with changed as (
      insert into quotas (person_id, gpu_seconds_per_day, images_per_day, pending_jobs)
      values (${personId}, ${quota.gpuSecondsPerDay}, ${quota.imagesPerDay}, ${quota.pendingJobs})
      on conflict (person_id) do update set gpu_seconds_per_day = excluded.gpu_seconds_per_day,
        images_per_day = excluded.images_per_day, pending_jobs = excluded.pending_jobs, updated_at = now()
      returning person_id
    )
    ${auditedIn(db, { actor, action: 'set_quota', target: personId, details: { ...quota } }, 'changed')}`,
  );
}

/** Gives a person a larger or smaller share of the GPUs: of weight 2, twice the GPU seconds. */
export async function setWeight(
  db: Pick<Database, 'sql'>,
  change: { actor: string; personId: string; weight: number },
): Promise<void> {
  const { actor, personId, weight } = change;
  if (!(weight >= 0.1 && weight <= 100)) throw new RangeError('a weight is a number from 0.1 to 100');
  await withDatabaseErrors(
    () => db.sql`
    with changed as (
      insert into fair_shares (person_id, charged_gpu_seconds, weight) values (${personId}, 0, ${weight})
      on conflict (person_id) do update set weight = excluded.weight,
        charged_gpu_seconds = fair_shares.charged_gpu_seconds * excluded.weight / fair_shares.weight
      returning person_id
    )
    ${auditedIn(db, { actor, action: 'set_weight', target: personId, details: { weight } }, 'changed')}`,
  );
}

const quotaStateSchema = quotaSchema.extend({
  /** Used today (UTC), without what is open. */
  usedGpuSeconds: z.number(),
  usedImages: z.number(),
  /** What has been asked for and has not ended. */
  openJobs: z.number(),
  openImages: z.number(),
  openGpuSeconds: z.number(),
  weight: z.number(),
});
/** A person's limits, and what counts against them. */
export type QuotaState = z.infer<typeof quotaStateSchema>;

/** `planRequest` checks the same numbers in its own statement; this is for showing them. */
export async function readQuota(db: Pick<Database, 'sql'>, personId: string): Promise<QuotaState> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select q.gpu_seconds_per_day, q.images_per_day, q.pending_jobs, coalesce(u.gpu_seconds, 0) as used_gpu_seconds,
      coalesce(u.images, 0) as used_images, coalesce(s.open_jobs, 0) as open_jobs,
      coalesce(s.open_images, 0) as open_images, coalesce(s.open_gpu_seconds, 0) as open_gpu_seconds,
      coalesce(s.weight, 1) as weight
    from (select ${personId}::uuid as id) p left join quotas q on q.person_id = p.id
      left join usage_days u on u.person_id = p.id and u.day = (now() at time zone 'utc')::date
      left join fair_shares s on s.person_id = p.id`,
  );
  return quotaStateSchema.parse(rows[0]);
}
