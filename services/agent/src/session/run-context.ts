import type { AssetRef, RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import type { Catalog } from '../core/catalog.ts';
import type { PlanOutcome } from '../core/planning-parts.ts';
import { seededRandom } from '../core/seeded-random.ts';
import type { RunBudgets } from '../loop/budgets.ts';
import type { AgentRun } from '../loop/run-agent.ts';
import { idOfUse } from '../loop/run-failures.ts';
import type { ToolReads } from '../tools/tool-reads.ts';
import type { ApprovalRule, Requester } from '../tools/tool.ts';

export interface RunSurroundings {
  runId: string;
  requester: Requester;
  attachments: readonly AssetRef[];
  about: readonly SourceRef[];
  catalog: Catalog;
  reads: ToolReads;
  /** Decides what a body becomes, with the rights of the requester. */
  plan: (body: RequestBody, id: string, random: () => number) => Promise<PlanOutcome>;
  approval: ApprovalRule;
  budgets: RunBudgets;
  /** Milliseconds since 1970. */
  now: () => number;
}

/**
 * What the tools of one run know. Chance is derived from the use: repeated after the person's word, or after a crash, a use plans
 * what it planned before, seeds included.
 */
export function createRunContext(run: RunSurroundings): AgentRun['toolContext'] {
  const { runId, requester, attachments, about, catalog, reads, approval, budgets } = run;
  return (history, use, seq, noRepair) => {
    const idOf = (name: string): string => idOfUse(runId, seq, use.id, name);
    const random = seededRandom(idOf('chance'));
    return {
      requester,
      request: { id: runId, attachments, about },
      catalog,
      reads,
      planBody: (wanted, id) => run.plan(wanted, id, random),
      idOf,
      answers: history.answers,
      jobs: history.jobs,
      spent: { cost: history.cost, budgets },
      approval,
      gpuSecondsLeft:
        budgets.runGpuSeconds === 0 ? Number.POSITIVE_INFINITY : budgets.runGpuSeconds - history.plannedGpuSeconds,
      noRepair,
      random,
      now: new Date(run.now()),
    };
  };
}
