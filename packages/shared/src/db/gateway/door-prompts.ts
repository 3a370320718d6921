import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import type { JobWithOutputs } from '../jobs/job-row.ts';
import { jobsFromJson, jobsJson } from '../jobs/jobs-json.ts';
import { requestColumns } from '../requests/read-requests.ts';
import { requestRecordSchema, type RequestRecord } from '../requests/request-row.ts';

/** A prompt as the ComfyUI-compatible door keeps it. */
const doorPromptSchema = z.object({
  requestId: uuidSchema,
  personId: uuidSchema,
  promptId: z.string(),
  number: z.coerce.number(),
  clientId: z.string().nullable(),
  extraDataText: z.string(),
  outputs: z.array(z.string()),
  createdAt: z.date(),
});
export type DoorPrompt = z.infer<typeof doorPromptSchema>;

export type NewDoorPrompt = Omit<DoorPrompt, 'number' | 'createdAt'>;

function columns(db: Pick<Database, 'sql'>) {
  return db.sql`d.request_id, d.person_id, d.prompt_id, d.number, d.client_id, d.extra_data_text, d.outputs, d.created_at`;
}

/**
 * Keeps a prompt before its request is committed; the same one again is the one that is there. It waits for no disk: the
 * commit of the request, which follows, flushes this one with it, and without that one it means nothing.
 */
export async function keepDoorPrompt(db: Pick<Database, 'sql'>, prompt: NewDoorPrompt): Promise<DoorPrompt> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with hurried as (select set_config('synchronous_commit', 'off', true))
    insert into door_prompts as d (request_id, person_id, prompt_id, client_id, extra_data_text, outputs)
    select ${prompt.requestId}::uuid, ${prompt.personId}::uuid, ${prompt.promptId}, ${prompt.clientId},
      ${prompt.extraDataText}, ${prompt.outputs}::text[] from hurried
    on conflict (request_id) do update set hidden_at = null
    returning ${columns(db)}`,
  );
  return doorPromptSchema.parse(rows[0]);
}

/** The prompt behind a request, where it came through this door. */
export async function findDoorPrompt(db: Pick<Database, 'sql'>, requestId: string): Promise<DoorPrompt | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`select ${columns(db)} from door_prompts d where d.request_id = ${requestId}`,
  );
  return rows[0] === undefined ? undefined : doorPromptSchema.parse(rows[0]);
}

/** The request of a person's first prompt that is not planned: others wait until it is. */
export async function findUnplannedDoorPrompt(
  db: Pick<Database, 'sql'>,
  personId: string,
): Promise<string | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select r.id from requests r join door_prompts d on d.request_id = r.id
    where r.person_id = ${personId} and r.finished_at is null and r.state = 'accepted' order by d.number limit 1`,
  );
  return rows[0] === undefined ? undefined : uuidSchema.parse(rows[0]['id']);
}

export interface DoorPromptQuery {
  personId: string;
  /** Only these. */
  promptIds?: readonly string[];
  /** Unfinished, or finished; absent: both. */
  finished?: boolean;
  /** Without what was taken out of the queue before it ran: ComfyUI's history knows no such prompt. */
  ranOnly?: boolean;
  limit: number;
  /** Leaves out so many of the oldest, and counts from there; without it, the newest are read. */
  fromOldest?: number;
}

/** A prompt with what became of it. */
export interface DoorPromptFacts {
  prompt: DoorPrompt;
  request: RequestRecord;
  jobs: JobWithOutputs[];
}

/** A person's prompts that were committed with their jobs, oldest first: one statement, however many. */
export async function readDoorPrompts(db: Pick<Database, 'sql'>, query: DoorPromptQuery): Promise<DoorPromptFacts[]> {
  const { fromOldest } = query;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with shown as (
      select d.* from door_prompts d join requests r on r.id = d.request_id
      where d.person_id = ${query.personId} and d.hidden_at is null
        ${query.promptIds === undefined ? db.sql`` : db.sql`and d.prompt_id = any(${[...query.promptIds]})`}
        ${query.finished === undefined ? db.sql`` : query.finished ? db.sql`and r.finished_at is not null` : db.sql`and r.finished_at is null`}
        ${
          query.ranOnly === true
            ? db.sql`and (r.state <> 'cancelled' or exists (
                select from jobs ran where ran.request_id = r.id and ran.started_at is not null))`
            : db.sql``
        }
      order by ${fromOldest === undefined ? db.sql`d.number desc` : db.sql`d.number`}
      limit ${query.limit} offset ${fromOldest ?? 0}
    )
    select ${requestColumns(db)}, d.prompt_id, d.number, d.client_id, d.extra_data_text, d.outputs as output_nodes,
      d.created_at as prompted_at, ${jobsJson(db)} as jobs
    from shown d join requests r on r.id = d.request_id join people p on p.id = r.person_id
    order by d.number`,
  );
  return rows.map((row) => {
    const { id: requestId, outputNodes: outputs, promptedAt: createdAt } = row;
    const prompt = doorPromptSchema.parse({ ...row, requestId, outputs, createdAt });
    return { prompt, request: requestRecordSchema.parse(row), jobs: jobsFromJson(row['jobs']) };
  });
}

/** Forgets a prompt whose request was refused after all. */
export async function forgetDoorPrompt(db: Pick<Database, 'sql'>, requestId: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    delete from door_prompts d where d.request_id = ${requestId}
      and not exists (select from requests r where r.id = d.request_id)`,
  );
}

/** Takes prompts out of a person's history: these, or all that have ended. */
export async function hideDoorPrompts(
  db: Pick<Database, 'sql'>,
  personId: string,
  promptIds: readonly string[] | 'all',
): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update door_prompts d set hidden_at = now() from requests r
    where r.id = d.request_id and d.person_id = ${personId} and d.hidden_at is null and r.finished_at is not null
      ${promptIds === 'all' ? db.sql`` : db.sql`and d.prompt_id = any(${[...promptIds]})`}`,
  );
}

/** How many requests of everybody are unfinished: the honest length of the queue. */
export async function countOpenRequests(db: Pick<Database, 'sql'>): Promise<number> {
  const rows = await withDatabaseErrors(
    () => db.sql`select count(*)::int as open from requests where finished_at is null`,
  );
  return z.int().parse(rows[0]?.['open']);
}
