import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { maxEpoch } from './decide-end.ts';
import type { LineEntry } from './prompt-line.ts';

/** When a job that waits in ComfyUI is taken back because another goes first. */
export const overtakes = {
  /**
   * Whether it is worth a look. What was called back again and again stays where it is: each time costs it two epochs, of
   * which it has only so many.
   */
  mayCallBack: (waiting: Pick<LineEntry, 'epoch'>): boolean => waiting.epoch < maxEpoch / 2,

  /** Why the chosen job goes before the one that waits; `undefined`: it does not. */
  reason(
    snapshot: QueueSnapshot,
    waitingId: string,
    chosenId: string | undefined,
  ): 'priority' | 'interactive' | undefined {
    const waiting = snapshot.active.find(({ id }) => id === waitingId);
    const chosen = snapshot.queued.find(({ id }) => id === chosenId);
    if (waiting === undefined || chosen === undefined) return undefined;
    if (chosen.priority !== waiting.priority) return chosen.priority > waiting.priority ? 'priority' : undefined;
    return chosen.class === 'interactive' && waiting.class === 'batch' ? 'interactive' : undefined;
  },
};
