import { v5 as uuidV5 } from 'uuid';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { explainFailure, type ExplainedFailure } from './explain-failure.ts';
import { toolUsesOf, type RunStep, type ToolResult } from './step.ts';

/** Tries after the first that went wrong. */
export const MAX_REPAIRS = 3;
/** Jobs that one use of a tool may queue. */
export const MAX_JOBS_OF_USE = 64;

/** Under which the ids of a run are derived, so that whatever is repeated after a crash is the same. */
const RUN_NAMESPACE = '1f5a1f0e-8f0a-4f2b-9a35-0d5c1f6f7e02';

/** The id of something that a tool use makes: the same whenever the use is repeated. */
export function idOfUse(runId: string, seq: number, toolUseId: string, name: string | number): string {
  return uuidV5(`${runId}:${seq}:${toolUseId}:${name}`, RUN_NAMESPACE);
}

/** One try that gave nothing: all the jobs of one tool use ended, and none with a picture. */
export interface FailedTry {
  jobIds: string[];
  explained: ExplainedFailure;
  /** The model knows. */
  told: boolean;
}

/** The tries of a run that gave nothing, in order. */
export function failedTries(
  runId: string,
  steps: readonly RunStep[],
  results: readonly ToolResult[],
  jobs: readonly JobWithOutputs[],
): FailedTry[] {
  const told = new Set([
    ...results.flatMap(({ jobIds }) => jobIds),
    ...steps.flatMap((step) => (step.kind === 'user' ? step.cause.jobIds : [])),
  ]);
  return steps.flatMap((step) =>
    step.kind !== 'reply'
      ? []
      : toolUsesOf(step.content).flatMap((use) => {
          const mine = jobsOfUse(runId, step.seq, use.id, jobs);
          const failed = mine.filter(({ state }) => state === 'failed' || state === 'quarantined');
          const over = mine.every(({ finishedAt }) => finishedAt !== null);
          if (failed.length === 0 || !over || mine.some(({ state }) => state === 'succeeded')) return [];
          const jobIds = mine.map(({ id }) => id);
          return [
            {
              jobIds,
              explained: explainFailure(failed[0]?.error ?? null),
              told: jobIds.every((id) => told.has(id)),
            },
          ];
        }),
  );
}

/** The jobs that one tool use queued. */
export function jobsOfUse(
  runId: string,
  seq: number,
  toolUseId: string,
  jobs: readonly JobWithOutputs[],
): JobWithOutputs[] {
  if (jobs.length === 0) return [];
  const ids = new Set(Array.from({ length: MAX_JOBS_OF_USE }, (_, index) => idOfUse(runId, seq, toolUseId, index)));
  return jobs.filter(({ id }) => ids.has(id));
}

/** Why nothing more may be run after these failures; undefined: it may. */
export function whyNoRepair(tries: readonly FailedTry[]): string | undefined {
  if (tries.length > MAX_REPAIRS) {
    return `${tries.length} tries failed, and more are not allowed. Tell the person honestly what was tried and what went wrong each time.`;
  }
  const signatures = tries.map(({ explained }) => explained.signature);
  if (new Set(signatures).size < signatures.length) {
    return 'The same failure came twice, so the last change did not help and no further run is allowed. Tell the person honestly what was tried.';
  }
  return undefined;
}
