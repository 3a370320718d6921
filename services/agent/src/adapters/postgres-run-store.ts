import { commitToolResult } from '@atelier/shared/db/agent/commit-tool-result';
import { endRun, parkRun } from '@atelier/shared/db/agent/end-run';
import { readSpent } from '@atelier/shared/db/agent/agent-memory';
import type { RunLease } from '@atelier/shared/db/agent/run-lease';
import { addCost, appendStep, readRunSteps } from '@atelier/shared/db/agent/run-steps';
import type { Database } from '@atelier/shared/db/connect-database';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import { askQuestion, readAnswers } from '@atelier/shared/db/requests/ask-question';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import type { PlanLimits } from '@atelier/shared/db/requests/plan-request';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import { NO_COST } from '../loop/model-prices.ts';
import type { RunStore } from '../loop/run-store.ts';
import { parseStep, parseToolResult, writeStep, writeToolResult } from '../loop/step.ts';

export interface RunStoreOptions {
  db: Database;
  outbox: Pick<OutboxRelay, 'nudge'>;
  lease: RunLease;
  personId: string;
  limits: PlanLimits | undefined;
  /** How long a question waits for its answer. */
  questionExpiresMs: number;
  /** Wakes whoever can stop a cancelled request. */
  onCancel: (requestId: string, jobIds: string[]) => void;
}

/** A run in Postgres; what a commit owes to NATS is handed to the relay at once. */
export function createPostgresRunStore(options: RunStoreOptions): RunStore {
  const { db, outbox, lease, personId, limits } = options;
  const runId = lease.requestId;
  const nudge = (rows: OutboxRow[] | undefined): boolean => {
    if (rows !== undefined) outbox.nudge(rows);
    return rows !== undefined;
  };
  return {
    async load() {
      const [{ steps, results }, answers, jobs, spent, request] = await Promise.all([
        readRunSteps(db, runId),
        readAnswers(db, runId),
        readJobsOfRequests(db, [runId]),
        readSpent(db, personId, runId),
        readRequest(db, runId),
      ]);
      return {
        steps: steps.map(parseStep),
        results: results.map(parseToolResult),
        answers,
        jobs,
        cost: request?.cost ?? NO_COST,
        personDayMicroDollars: spent.personMicroDollars,
        dayMicroDollars: spent.dayMicroDollars,
        plannedGpuSeconds: spent.runGpuSeconds,
      };
    },
    append: (step, cost) => appendStep(db, lease, writeStep(step), cost),
    addLostCost: (cost) => addCost(db, runId, cost),
    async commit(result, effects) {
      const { seq, toolUseId, tool, isError } = result;
      const row = { seq, toolUseId, tool, isError, content: writeToolResult(result) };
      const committed = await commitToolResult(db, lease, row, effects, limits);
      return committed.outcome === 'committed' && nudge(committed.outbox);
    },
    ask: async (question) => nudge(await askQuestion(db, lease, question, options.questionExpiresMs)),
    async park() {
      const parked = await parkRun(db, lease);
      if (parked.outcome === 'parked') nudge(parked.outbox);
      return parked.outcome;
    },
    end: async (reply, wake) => nudge(await endRun(db, lease, { reply, ...(wake === undefined ? {} : { wake }) })),
    async stop() {
      const cancelled = await cancelRequest(db, runId, personId);
      if (cancelled.outcome !== 'cancelling') return false;
      outbox.nudge(cancelled.outbox);
      options.onCancel(runId, cancelled.jobIds);
      return true;
    },
  };
}
