import type { Simulator } from '@atelier/comfyui-sim/create-simulator';
import type { Sql } from 'postgres';
import { z } from 'zod';
import type { Execution, RequestEvidence } from './reconcile.ts';

const markSchema = z.looseObject({ atelier: z.looseObject({ job: z.string() }) });
const rowSchema = z.object({
  id: z.string(),
  event_id: z.string(),
  state: z.string(),
  error_code: z.string().nullable(),
  results: z.number(),
  pictures: z.number(),
});

/** Every request with its results on the page and its stored files; without those of these event ids. */
export async function readRequests(sql: Sql, withoutEvents: readonly string[]): Promise<RequestEvidence[]> {
  const rows = await sql`
    select r.id, r.event_id, r.state, r.error->>'code' as error_code,
      (select count(*)::int from web_posts p where p.request_id = r.id and p.kind = 'result') as results,
      (select count(*)::int from job_outputs o join jobs j on j.id = o.job_id where j.request_id = r.id
        and o.kind is null) as pictures
    from requests r`;
  return rows
    .map((row) => rowSchema.parse(row))
    .filter((row) => !withoutEvents.some((eventId) => row.event_id.endsWith(eventId)))
    .map(({ id, state, error_code, results, pictures }) => ({
      id,
      state,
      errorCode: error_code ?? undefined,
      results,
      pictures,
    }));
}

/** How many accepted requests have no result on the page yet. */
export async function countOpen(sql: Sql, requestIds: readonly string[]): Promise<number> {
  const [row] = await sql`
    select count(*)::int as n from unnest(${[...requestIds]}::uuid[]) as wanted(id)
    where not exists (select from web_posts p where p.request_id = wanted.id and p.kind = 'result')`;
  return Number(row?.['n']);
}

/** From the end of each request to its result on the page, in ms. */
export async function readDeliveryTimes(sql: Sql): Promise<number[]> {
  const rows = await sql`
    select extract(epoch from p.created_at - r.finished_at) * 1000 as ms
    from requests r join web_posts p on p.request_id = r.id and p.kind = 'result'`;
  return rows.map((row) => Number(row['ms']));
}

/** The hashes of all files that requests ended with. */
export async function readHashes(sql: Sql): Promise<string[]> {
  const rows = await sql`select distinct hash from job_outputs`;
  return rows.map((row) => String(row['hash']));
}

/** What the simulators executed for us. */
export function readExecutions(simulators: readonly Simulator[]): Execution[] {
  return simulators.flatMap((simulator, gpu) =>
    simulator.log().flatMap((entry): Execution[] => {
      const mark = markSchema.safeParse(entry.extraData);
      if (!mark.success) return [];
      const { startedAt, endedAt, outcome } = entry;
      return [{ gpu, jobId: mark.data.atelier.job, startedAt, endedAt, outcome }];
    }),
  );
}
