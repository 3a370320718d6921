import { z } from 'zod';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';

const usageSchema = z.object({
  personId: z.string(),
  personName: z.string().nullable(),
  /** Jobs that ended, however. */
  jobs: z.coerce.number(),
  images: z.coerce.number(),
  gpuSeconds: z.number(),
  inputTokens: z.coerce.number(),
  outputTokens: z.coerce.number(),
  /** Millionths of a US dollar. */
  microDollars: z.coerce.number(),
});
/** A person's use over some days. */
export type Usage = z.infer<typeof usageSchema>;

/**
 * What people used in the last `days` days (UTC, today is one), most GPU seconds first. It survives retention.
 *
 * @param query.personId only this one, who is absent from the answer where they used nothing.
 */
export async function readUsage(
  db: Pick<Database, 'sql'>,
  query: { days: number; personId?: string; limit?: number },
): Promise<Usage[]> {
  const of = query.personId === undefined ? db.sql`` : db.sql`and person_id = ${query.personId}`;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with used as (
      select person_id, jobs, images, gpu_seconds, input_tokens, output_tokens, micro_dollars from usage_days
      where day > (now() at time zone 'utc')::date - ${query.days}::int ${of}
      union all
      select person_id, 0, 0, 0, input_tokens + cache_read_tokens + cache_write_tokens, output_tokens, micro_dollars
      from agent_usage where day > (now() at time zone 'utc')::date - ${query.days}::int ${of}
    )
    select u.person_id, max(p.display_name) as person_name, sum(u.jobs) as jobs, sum(u.images) as images,
      sum(u.gpu_seconds) as gpu_seconds, sum(u.input_tokens) as input_tokens, sum(u.output_tokens) as output_tokens,
      sum(u.micro_dollars) as micro_dollars
    from used u left join people p on p.id = u.person_id
    group by u.person_id order by gpu_seconds desc, u.person_id limit ${query.limit ?? 100}`,
  );
  return rows.map((row) => usageSchema.parse(row));
}
