import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Queries } from '../in-transaction.ts';

const measuredTimeSchema = z.object({
  steps: z.int().nullable(),
  /** Of one image. */
  pixels: z.int().nullable(),
  images: z.int(),
  runs: z.int(),
  medianGpuSeconds: z.number(),
});
/** How long jobs of one kind really took. */
export type MeasuredTime = z.infer<typeof measuredTimeSchema>;

/** Past service times of a model on this installation, the most frequent settings first. */
export async function readMeasuredTimes(db: Queries, model: string, limit = 8): Promise<MeasuredTime[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select steps, pixels, images, count(*)::int as runs,
      percentile_cont(0.5) within group (order by gpu_seconds) as median_gpu_seconds
    from (
      select steps, pixels, images, gpu_seconds from jobs
      where state = 'succeeded' and gpu_seconds is not null and (model = ${model} or estimate_key like ${`${model.replaceAll(/[\\%_]/g, '\\$&')}|%`})
      order by finished_at desc limit 500
    ) recent
    group by steps, pixels, images order by runs desc, images, pixels limit ${limit}`,
  );
  return rows.map((row) => measuredTimeSchema.parse(row));
}
