import { AppError } from '@atelier/shared/errors/app-error';
import type { JobDesk } from '../adapters/job-desk.ts';
import type { Principal } from '../core/principal.ts';
import { jobStatusOf, type DoorJobStatus } from './core/job-entry.ts';
import type { DoorDesk } from './door-desk.ts';

const maxStopped = 1_000;
const atOnce = 8;

/** Stops prompts of whoever asks; another's, and unknown ones, are left alone without a word, as ComfyUI does. */
export interface PromptStopper {
  /** Stops what runs; of several, on several GPUs, what started last. What only waits is left alone. */
  stopRunning(principal: Principal): Promise<void>;
  /** @returns how many are being stopped. */
  stop(principal: Principal, promptIds: readonly string[] | 'all', statuses: readonly DoorJobStatus[]): Promise<number>;
}

export function createPromptStopper(deps: { desk: JobDesk; doorDesk: DoorDesk }): PromptStopper {
  async function cancel(principal: Principal, requestId: string): Promise<boolean> {
    try {
      await deps.desk.cancel(principal, requestId);
      return true;
    } catch (error) {
      // What had ended meanwhile needs no stopping.
      if (error instanceof AppError && (error.code === 'conflict' || error.code === 'not_found')) return false;
      throw error;
    }
  }

  return {
    async stopRunning(principal) {
      const open = await deps.doorDesk.read({ personId: principal.personId, finished: false, limit: maxStopped });
      const startOf = ({ facts }: (typeof open)[number]): number =>
        Math.max(0, ...facts.jobs.map((job) => (job.state === 'running' ? (job.startedAt?.getTime() ?? 0) : 0)));
      const [last] = open.filter((one) => startOf(one) > 0).toSorted((a, b) => startOf(b) - startOf(a));
      if (last !== undefined) await cancel(principal, last.prompt.requestId);
    },
    async stop(principal, promptIds, statuses) {
      if (promptIds.length === 0) return 0;
      const { personId } = principal;
      const named = promptIds === 'all' ? {} : { promptIds };
      const open = await deps.doorDesk.read({ personId, finished: false, ...named, limit: maxStopped });
      const chosen = open.filter(({ facts }) => statuses.includes(jobStatusOf(facts)));
      let stopped = 0;
      for (let at = 0; at < chosen.length; at += atOnce) {
        const group = chosen.slice(at, at + atOnce).map(({ prompt }) => cancel(principal, prompt.requestId));
        stopped += (await Promise.all(group)).filter(Boolean).length;
      }
      return stopped;
    },
  };
}
