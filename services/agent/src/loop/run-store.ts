import type { AnsweredQuestion } from '@atelier/shared/db/requests/ask-question';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestCost, PendingQuestion } from '@atelier/shared/contracts/request';
import type { AgentWake } from '@atelier/shared/db/agent/end-run';
import type { ToolEffects } from '@atelier/shared/db/agent/commit-tool-result';
import type { ReplyCost } from '@atelier/shared/db/agent/run-steps';
import { NO_COST } from './model-prices.ts';
import type { RunStep, ToolResult } from './step.ts';

/** All that is known of a run when it begins or goes on. */
export interface RunHistory {
  steps: RunStep[];
  results: ToolResult[];
  answers: AnsweredQuestion[];
  /** What its jobs have become. */
  jobs: JobWithOutputs[];
  cost: RequestCost;
  /** Of today (UTC), this run included. */
  personDayMicroDollars: number;
  dayMicroDollars: number;
  /** Expected of all jobs that it queued. */
  plannedGpuSeconds: number;
}

/** Of a run that begins, where nobody has spent anything today. */
export function emptyHistory(): RunHistory {
  return {
    steps: [],
    results: [],
    answers: [],
    jobs: [],
    cost: NO_COST,
    personDayMicroDollars: 0,
    dayMicroDollars: 0,
    plannedGpuSeconds: 0,
  };
}

/**
 * What a run writes. Every write requires the run's lease, and what it says of it is false when the lease is lost: then
 * somebody else has the run, or it was stopped, and whoever lost it stops.
 */
export interface RunStore {
  load(): Promise<RunHistory>;
  /** Adds the next step; with its cost, where the model was paid for it. */
  append(step: RunStep, cost?: ReplyCost): Promise<boolean>;
  /** Adds what an attempt cost that gave no reply. */
  addLostCost(cost: ReplyCost): Promise<void>;
  /**
   * Keeps a tool's result together with all that its use changed.
   * @throws AppError `rate_limited` when the queue has no room; nothing was written.
   */
  commit(result: ToolResult, effects: ToolEffects): Promise<boolean>;
  /** Puts a question to the person and the run aside. */
  ask(question: PendingQuestion): Promise<boolean>;
  /** Puts the run aside until its jobs have ended; `ready`: they have. */
  park(): Promise<'parked' | 'ready' | 'lost'>;
  /** Ends the run with words. */
  end(reply: string, wake: AgentWake | undefined): Promise<boolean>;
  /** Ends the run as its person wished: nothing more is done. */
  stop(): Promise<boolean>;
}
