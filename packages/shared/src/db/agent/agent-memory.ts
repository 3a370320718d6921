import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { jobInputSchema } from '../../contracts/job.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Queries } from '../in-transaction.ts';

const draftSchema = z.object({
  id: uuidSchema,
  version: z.int(),
  title: z.string(),
  workflowText: z.string(),
  inputs: z.array(jobInputSchema),
});
/** One version of a draft. */
export type DraftRow = z.infer<typeof draftSchema>;

/** A draft of a session: its newest version, or the one that is named. */
export async function readDraft(
  db: Queries,
  sessionId: string,
  draftId: string,
  version?: number,
): Promise<DraftRow | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id, version, title, workflow_text, inputs from agent_drafts
    where id = ${draftId} and session_id = ${sessionId}
      ${version === undefined ? db.sql`` : db.sql`and version = ${version}`}
    order by version desc limit 1`,
  );
  return rows[0] === undefined ? undefined : draftSchema.parse(rows[0]);
}

const draftTitleSchema = draftSchema.pick({ id: true, version: true, title: true });
export type DraftTitle = z.infer<typeof draftTitleSchema>;

/** The drafts of a session, the last that was worked on first. */
export async function listDrafts(db: Queries, sessionId: string, limit: number): Promise<DraftTitle[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id, version, title from (
      select distinct on (id) id, version, title, created_at from agent_drafts where session_id = ${sessionId}
      order by id, version desc
    ) newest order by created_at desc limit ${limit}`,
  );
  return rows.map((row) => draftTitleSchema.parse(row));
}

const preferenceSchema = z.object({ key: z.string(), value: z.string() });
export type Preference = z.infer<typeof preferenceSchema>;

/** What a person asked to be remembered, by key. */
export async function readPreferences(db: Queries, personId: string): Promise<Preference[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`select key, value from agent_preferences where person_id = ${personId} order by key limit 50`,
  );
  return rows.map((row) => preferenceSchema.parse(row));
}

const spentSchema = z.object({
  personMicroDollars: z.number(),
  /** Read and written by the model, those from its cache included. */
  personTokens: z.number(),
  personCachedTokens: z.number(),
  personGpuSeconds: z.number(),
  dayMicroDollars: z.number(),
  dayGpuSeconds: z.number(),
  /** Expected of the run's jobs. */
  runGpuSeconds: z.number(),
});
/** What was spent today (UTC), by a person and by everybody, and by one run in all. */
export type SpentToday = z.infer<typeof spentSchema>;

export async function readSpent(db: Queries, personId: string, runId: string): Promise<SpentToday> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with today as (
      select person_id = ${personId} as mine, micro_dollars, cache_read_tokens as cached,
        input_tokens + output_tokens + cache_read_tokens + cache_write_tokens as tokens
      from agent_usage where day = (now() at time zone 'utc')::date
    ), gpu as (
      select person_id = ${personId} as mine, gpu_seconds from usage_days where day = (now() at time zone 'utc')::date
    )
    select model.*, gpu_times.*,
      coalesce((select sum(planned_gpu_seconds) from agent_usage where run_id = ${runId}), 0)::float8 as run_gpu_seconds
    from (
      select coalesce(sum(micro_dollars) filter (where mine), 0)::float8 as person_micro_dollars,
        coalesce(sum(tokens) filter (where mine), 0)::float8 as person_tokens,
        coalesce(sum(cached) filter (where mine), 0)::float8 as person_cached_tokens,
        coalesce(sum(micro_dollars), 0)::float8 as day_micro_dollars
      from today
    ) model, (
      select coalesce(sum(gpu_seconds) filter (where mine), 0)::float8 as person_gpu_seconds,
        coalesce(sum(gpu_seconds), 0)::float8 as day_gpu_seconds
      from gpu
    ) gpu_times`,
  );
  return spentSchema.parse(rows[0]);
}
