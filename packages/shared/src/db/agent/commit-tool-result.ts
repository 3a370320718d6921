import type { JobInput, NewJob } from '../../contracts/job.ts';
import type { PlanSummary, SourceRef } from '../../contracts/request.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import { inTransaction, type Queries } from '../in-transaction.ts';
import type { OutboxRow } from '../outbox-row.ts';
import { planRequest, type PlanLimits } from '../requests/plan-request.ts';
import { isMadeOfPrivate } from '../requests/private-sources.ts';
import { runHeld, type RunLease } from './run-lease.ts';
import type { ToolResultRow } from './run-steps.ts';

/** A draft as it is to be kept: `version` 1 is a new one. */
export interface NewDraft {
  id: string;
  version: number;
  title: string;
  /** API format as JSON text. */
  workflowText: string;
  inputs: readonly JobInput[];
}

/** All that a tool use changes. Ids in it are derived from the run and the use, so that doing it again is the same. */
export interface ToolEffects {
  draft?: NewDraft;
  /** Jobs to queue, with what the request's card then says. */
  queue?: { plan: PlanSummary; jobs: readonly NewJob[] };
  /** What its pictures are made from; the first that a run names counts. */
  parent?: SourceRef;
  /** Absent value: forget it. */
  preference?: { key: string; value?: string };
  /** Replaces what is kept in mind about the conversation. */
  notes?: string;
}

export type CommittedResult = { outcome: 'committed'; outbox: OutboxRow[] } | { outcome: 'lost' };

/**
 * Keeps what a tool answered together with all that it changed, in one transaction: both are there, or neither is. A use
 * that has its result already changes nothing again. What is made of a private result makes the request private.
 *
 * @throws AppError `rate_limited` when the queue has no room for its jobs; nothing was written.
 */
export async function commitToolResult(
  db: Database,
  lease: RunLease,
  result: ToolResultRow,
  effects: ToolEffects = {},
  limits?: PlanLimits,
): Promise<CommittedResult> {
  return withDatabaseErrors(() =>
    inTransaction(db, async (tx): Promise<CommittedResult> => {
      const [held] = await tx.sql`select r.person_id from requests r where ${runHeld(tx, lease)} for update`;
      if (held === undefined) return { outcome: 'lost' };
      const personId = String(held['personId']);
      const { seq, toolUseId, tool, isError, content } = result;
      const added = await tx.sql`
        insert into agent_tool_results (run_id, seq, tool_use_id, tool, is_error, content)
        values (${lease.requestId}, ${seq}, ${toolUseId}, ${tool}, ${isError}, ${content})
        on conflict do nothing returning run_id`;
      if (added.length === 0) return { outcome: 'committed', outbox: [] };
      const { parent, queue } = effects;
      const madeFrom = {
        requestIds: parent === undefined ? [] : [parent.requestId],
        hashes: queue?.jobs.flatMap(({ inputs }) => inputs.map(({ hash }) => hash)) ?? [],
      };
      await tx.sql`
        update requests set agent_claims = 0, is_private = is_private or ${isMadeOfPrivate(tx, personId, madeFrom)},
          parent_picture = case when parent_request_id is null then ${parent?.picture ?? null}::smallint
                                else parent_picture end,
          parent_request_id = coalesce(parent_request_id, ${parent?.requestId ?? null}::uuid)
        where id = ${lease.requestId}`;
      await writeEffects(tx, { sessionId: lease.sessionId, personId }, effects);
      if (queue === undefined) return { outcome: 'committed', outbox: [] };
      const { plan, jobs } = queue;
      const outbox = await planRequest(tx, lease, plan, jobs, limits, true);
      if (outbox === undefined) throw new LeaseLost();
      await tx.sql`
        insert into agent_usage as u (run_id, day, person_id, model, planned_gpu_seconds)
        values (${lease.requestId}, (now() at time zone 'utc')::date, ${personId}, '',
          ${jobs.reduce((sum, job) => sum + job.estimatedGpuSeconds, 0)})
        on conflict (run_id, day) do update
          set planned_gpu_seconds = u.planned_gpu_seconds + excluded.planned_gpu_seconds`;
      return { outcome: 'committed', outbox };
    }).catch((error: unknown): CommittedResult => {
      if (error instanceof LeaseLost) return { outcome: 'lost' };
      throw error;
    }),
  );
}

/** Rolls the transaction back. */
class LeaseLost extends Error {}

/** Writes what a use changed besides jobs. */
export async function writeEffects(
  tx: Queries,
  who: { sessionId: string; personId: string },
  { draft, preference, notes }: ToolEffects,
): Promise<void> {
  const { sessionId, personId } = who;
  if (draft !== undefined) {
    await tx.sql`
      with kept as (
        insert into agent_drafts (id, version, session_id, person_id, title, workflow_text, inputs)
        values (${draft.id}, ${draft.version}, ${sessionId}, ${personId}, ${draft.title}, ${draft.workflowText},
          ${tx.sql.json([...draft.inputs])})
        on conflict do nothing
      )
      update agent_sessions set draft_id = ${draft.id}, updated_at = now() where id = ${sessionId}`;
  }
  if (notes !== undefined) {
    await tx.sql`update agent_sessions set notes = ${notes}, updated_at = now() where id = ${sessionId}`;
  }
  if (preference?.value !== undefined) {
    await tx.sql`
      insert into agent_preferences (person_id, key, value) values (${personId}, ${preference.key}, ${preference.value})
      on conflict (person_id, key) do update set value = excluded.value, updated_at = now()`;
  } else if (preference !== undefined) {
    await tx.sql`delete from agent_preferences where person_id = ${personId} and key = ${preference.key}`;
  }
}
