import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

const troubleSchema = z.object({
  /** The same trouble has the same key. */
  key: z.string(),
  kind: z.enum(['worker_gone', 'quarantined', 'disk_full', 'budget_spent', 'report']),
  /** Name of the ComfyUI, of the person (empty: everybody), or the short number of the request. */
  about: z.string(),
  detail: z.string().nullable(),
  requestId: uuidSchema.nullable(),
});
/** Something that operators should hear of. */
export type Trouble = z.infer<typeof troubleSchema>;

/** How long a worker may be gone before anybody is told: a restart takes less. */
const goneAfterSeconds = 60;

/** Of the language model in a day (UTC), in millionths of a US dollar; 0: no limit. */
export interface ModelBudgets {
  dayMicroDollars: number;
  personDayMicroDollars: number;
}

/** What went wrong of late, at most 50; each stays in the answer for some minutes and is said once, by its key. */
export async function readTroubles(db: Pick<Database, 'sql'>, budgets: ModelBudgets): Promise<Trouble[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    (select 'worker_gone:' || id || ':' || epoch as key, 'worker_gone' as kind, id as about, null as detail,
        null::uuid as request_id
      from instances where not released and lease_expires_at < clock_timestamp() - ${goneAfterSeconds} * interval '1 second'
        and lease_expires_at > clock_timestamp() - interval '1 hour' limit 10)
    union all
    (select 'quarantined:' || j.id, 'quarantined', left(j.request_id::text, 8), j.error->'message'->>'en', j.request_id
      from jobs j where j.finished_at > now() - interval '15 minutes' and j.state = 'quarantined' limit 20)
    union all
    (select 'budget_spent:' || u.day, 'budget_spent', '', null, null from agent_usage u
      where u.day = (now() at time zone 'utc')::date and ${budgets.dayMicroDollars} > 0
      group by u.day having sum(u.micro_dollars) >= ${budgets.dayMicroDollars})
    union all
    (select 'budget_spent:' || u.day || ':' || u.person_id, 'budget_spent', max(p.display_name), null, null
      from agent_usage u join people p on p.id = u.person_id
      where u.day = (now() at time zone 'utc')::date and ${budgets.personDayMicroDollars} > 0
      group by u.day, u.person_id having sum(u.micro_dollars) >= ${budgets.personDayMicroDollars} limit 10)
    union all
    (select 'report:' || c.request_id || ':' || c.person_id, 'report', left(c.request_id::text, 8), c.reason, c.request_id
      from chat_reports c where c.created_at > now() - interval '15 minutes' limit 20)`,
  );
  return rows.map((row) => troubleSchema.parse(row));
}
