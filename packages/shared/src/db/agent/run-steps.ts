import { z } from 'zod';
import type { RequestCost } from '../../contracts/request.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Queries } from '../in-transaction.ts';
import { runHeld, type RunLease } from './run-lease.ts';

const stepSchema = z.object({
  seq: z.int(),
  kind: z.enum(['user', 'reply', 'compact']),
  /** Content blocks as JSON text. */
  content: z.string(),
});
/** One step of a run, as it is stored. */
export type StepRow = z.infer<typeof stepSchema>;

const toolResultSchema = z.object({
  seq: z.int(),
  toolUseId: z.string(),
  tool: z.string(),
  isError: z.boolean(),
  content: z.string(),
});
/** What a tool answered to one use in the reply `seq`. */
export type ToolResultRow = z.infer<typeof toolResultSchema>;

/** All that a run has done so far, in order. */
export async function readRunSteps(
  db: Queries,
  runId: string,
): Promise<{ steps: StepRow[]; results: ToolResultRow[] }> {
  const [steps, results] = await withDatabaseErrors(() =>
    Promise.all([
      db.sql`select seq, kind, content from agent_steps where run_id = ${runId} order by seq`,
      db.sql`
        select seq, tool_use_id, tool, is_error, content from agent_tool_results where run_id = ${runId}
        order by seq, created_at`,
    ]),
  );
  return {
    steps: steps.map((row) => stepSchema.parse(row)),
    results: results.map((row) => toolResultSchema.parse(row)),
  };
}

/** What one reply of the model cost. */
export interface ReplyCost extends RequestCost {
  model: string;
}

/**
 * Adds a step, with what it cost where the model said it: kept before anything is done about it, so that it is never paid
 * for twice. False: the lease was lost, or the step exists; nothing was written.
 */
export async function appendStep(db: Queries, lease: RunLease, step: StepRow, cost?: ReplyCost): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with held as (
      select r.id, r.person_id from requests r where ${runHeld(db, lease)} for update
    ), added as (
      insert into agent_steps (run_id, seq, session_id, kind, content)
      select id, ${step.seq}, ${lease.sessionId}::uuid, ${step.kind}, ${step.content} from held
      on conflict do nothing returning run_id
    ), touched as (
      update requests r set agent_claims = 0 ${cost === undefined ? db.sql`` : costOfRequest(db, cost)}
      from added where r.id = added.run_id returning r.person_id
    ) ${cost === undefined ? db.sql`` : db.sql`, ${usageCtes(db, lease.requestId, cost)}`}
    select run_id from added`,
  );
  return rows.length > 0;
}

/** Adds what was paid without a step of a run: an attempt that was cut off, or a look at pictures. */
export async function addCost(db: Queries, requestId: string, cost: ReplyCost): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    with touched as (
      update requests r set updated_at = now() ${costOfRequest(db, cost)} where r.id = ${requestId}
      returning r.person_id
    ), ${usageCtes(db, requestId, cost)}
    select 1`,
  );
}

function costOfRequest(db: Queries, cost: ReplyCost) {
  const add = (key: keyof RequestCost) =>
    db.sql`${key}::text, coalesce((r.cost->>${key}::text)::bigint, 0) + ${cost[key]}::bigint`;
  return db.sql`, cost = jsonb_build_object(${add('inputTokens')}, ${add('outputTokens')}, ${add('cacheReadTokens')},
    ${add('cacheWriteTokens')}, ${add('microDollars')}, ${add('modelCalls')})`;
}

/** Adds a cost to the run's day; expects `touched` with the person. */
function usageCtes(db: Queries, runId: string, cost: ReplyCost) {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, microDollars, modelCalls, model } = cost;
  return db.sql`
    run_usage as (
      insert into agent_usage as u (run_id, day, person_id, model, model_calls, input_tokens, output_tokens,
        cache_read_tokens, cache_write_tokens, micro_dollars)
      select ${runId}::uuid, (now() at time zone 'utc')::date, person_id, ${model}, ${modelCalls}::int,
        ${inputTokens}::bigint, ${outputTokens}::bigint, ${cacheReadTokens}::bigint, ${cacheWriteTokens}::bigint,
        ${microDollars}::bigint from touched
      on conflict (run_id, day) do update set model = excluded.model, model_calls = u.model_calls + excluded.model_calls,
        input_tokens = u.input_tokens + excluded.input_tokens, output_tokens = u.output_tokens + excluded.output_tokens,
        cache_read_tokens = u.cache_read_tokens + excluded.cache_read_tokens,
        cache_write_tokens = u.cache_write_tokens + excluded.cache_write_tokens,
        micro_dollars = u.micro_dollars + excluded.micro_dollars
    )`;
}
