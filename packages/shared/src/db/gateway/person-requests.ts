import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import type { RequestState } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { requestColumns } from '../requests/read-requests.ts';
import { requestRecordSchema, type RequestRecord } from '../requests/request-row.ts';

export interface PersonRequestsQuery {
  personId: string;
  limit: number;
  /** Only what was asked before this one. */
  before?: string | undefined;
  states?: readonly RequestState[] | undefined;
  /** Only what this client of the door `api` asked for. */
  clientId?: string | undefined;
  finished?: boolean | undefined;
}

/** What a person asked for, through any door, newest first. */
export async function readPersonRequests(
  db: Pick<Database, 'sql'>,
  query: PersonRequestsQuery,
): Promise<RequestRecord[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${requestColumns(db)}
    from requests r join people p on p.id = r.person_id
    where r.person_id = ${query.personId}
      ${query.before === undefined ? db.sql`` : db.sql`and (r.created_at, r.id) < (select created_at, id from requests where id = ${query.before} and person_id = ${query.personId})`}
      ${query.states === undefined ? db.sql`` : db.sql`and r.state = any(${[...query.states] as string[]})`}
      ${query.clientId === undefined ? db.sql`` : db.sql`and r.door = 'api' and r.place->>'threadId' = ${query.clientId}`}
      ${query.finished === undefined ? db.sql`` : query.finished ? db.sql`and r.finished_at is not null` : db.sql`and r.finished_at is null`}
    order by r.created_at desc, r.id desc limit ${query.limit}`,
  );
  return rows.map((row) => requestRecordSchema.parse(row));
}

/** A client's requests that are open, or changed since a time: what a socket that comes back has missed. */
export async function readChangedRequests(
  db: Pick<Database, 'sql'>,
  query: { personId: string; clientId: string; since: Date; limit: number },
): Promise<RequestRecord[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select ${requestColumns(db)}
    from requests r join people p on p.id = r.person_id
    where r.person_id = ${query.personId} and r.door = 'api' and r.place->>'threadId' = ${query.clientId}
      and (r.finished_at is null or r.updated_at >= ${query.since})
    order by r.created_at desc limit ${query.limit}`,
  );
  return rows.map((row) => requestRecordSchema.parse(row)).toReversed();
}

/** The ids of a person's unfinished requests: waiting ones (nothing of theirs has started), or all. */
export async function readOpenRequestIds(
  db: Pick<Database, 'sql'>,
  query: { personId: string; waitingOnly: boolean; door?: string | undefined },
): Promise<string[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select r.id from requests r
    where r.person_id = ${query.personId} and r.finished_at is null
      ${query.door === undefined ? db.sql`` : db.sql`and r.door = ${query.door}`}
      ${
        query.waitingOnly
          ? db.sql`and not exists (select from jobs j where j.request_id = r.id and j.state in ('running', 'storing', 'succeeded'))`
          : db.sql``
      }
    order by r.created_at limit 1000`,
  );
  return rows.map((row) => uuidSchema.parse(row['id']));
}

/** The person's request whose job ComfyUI executes now; of several, on several GPUs, the one that started last. */
export async function readRunningRequestId(db: Pick<Database, 'sql'>, personId: string): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select request_id from jobs where person_id = ${personId} and state = 'running'
    order by started_at desc limit 1`,
  );
  return rows[0] === undefined ? undefined : uuidSchema.parse(rows[0]['requestId']);
}

const measuredSchema = z.object({
  runs: z.int(),
  low: z.number().nullable(),
  middle: z.number().nullable(),
  high: z.number().nullable(),
});
/** GPU seconds of a recipe's last runs; quantiles 0.1, 0.5 and 0.9. */
export type MeasuredRecipe = z.infer<typeof measuredSchema>;

export async function readRecipeTimes(db: Pick<Database, 'sql'>, recipe: string | undefined): Promise<MeasuredRecipe> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select count(*)::int as runs, percentile_cont(0.1) within group (order by gpu_seconds) as low,
      percentile_cont(0.5) within group (order by gpu_seconds) as middle,
      percentile_cont(0.9) within group (order by gpu_seconds) as high
    from (
      select gpu_seconds from jobs where state = 'succeeded' and gpu_seconds is not null
        ${recipe === undefined ? db.sql`` : db.sql`and recipe = ${recipe}`}
      order by finished_at desc limit 200
    ) last`,
  );
  return measuredSchema.parse(rows[0]);
}

/** Which of these files and requests a person may not use: they are another's, or there are none. */
export async function findForeign(
  db: Pick<Database, 'sql'>,
  personId: string,
  named: { hashes: readonly string[]; requestIds: readonly string[] },
): Promise<string[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select h as id from unnest(${[...named.hashes]}::text[]) as h
    where not exists (select from job_outputs o join jobs j on j.id = o.job_id where o.hash = h and j.person_id = ${personId})
      and not exists (select from api_files f join identities i on i.door = 'api' and i.platform_id = f.account
        where f.hash = h and i.person_id = ${personId})
    union all
    select wanted::text from unnest(${[...named.requestIds]}::uuid[]) as wanted
    where not exists (select from requests r where r.id = wanted and r.person_id = ${personId})`,
  );
  return rows.map((row) => String(row['id']));
}

/**
 * How often requests have changed: these, and all of the door `api` that are unfinished or ended within the last minute. What a
 * gateway compares with what it knows, since a doorbell may be lost.
 */
export async function readRequestVersions(
  db: Pick<Database, 'sql'>,
  requestIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id, version from requests where id = any(${[...requestIds]}::uuid[])
    union select id, version from requests where finished_at is null and door = 'api'
    union select id, version from requests where finished_at > now() - interval '1 minute' and door = 'api'
    limit 20000`,
  );
  return new Map(rows.map((row) => [uuidSchema.parse(row['id']), z.int().parse(row['version'])]));
}
