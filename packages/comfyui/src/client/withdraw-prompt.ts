import { ComfyError } from '../errors/comfy-error.ts';
import { sleep, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { ComfyClient } from './comfy-client.ts';
import type { FinishedPrompt } from './finished-prompt.ts';
import { look } from './look.ts';
import type { PromptLook } from './look.ts';

/** What became of a prompt that was to be taken back. */
export type WithdrawResult =
  /** In neither queue nor history at two looks: it will not run. */
  | { state: 'withdrawn' }
  /** Too late: it runs. Adopt it or interrupt it. */
  | { state: 'running' }
  /** Too late: it has ended. */
  | { state: 'finished'; finished: FinishedPrompt };

export interface WithdrawPromptOptions {
  clock?: Clock;
  signal?: AbortSignal | undefined;
  /** Between the two looks: no less than a POST that is still on its way may take. 3,000 unless given. */
  settleMs?: number;
  /** Between tries while the server is away. 500 unless given. */
  retryMs?: number;
}

type WithdrawClient = Pick<ComfyClient, 'job' | 'queue' | 'history' | 'deletePending'>;

/**
 * Takes a prompt out of ComfyUI's queue.
 *
 * `POST /queue` answers 200 also for ids that it does not know, and a POST whose answer was lost can still take effect: so the prompt is
 * deleted and looked for, and once more after `settleMs`. An unreachable server is asked again until the signal fires.
 *
 * @throws ComfyError `aborted`, `refused`.
 */
export async function withdrawPrompt(
  client: WithdrawClient,
  promptId: string,
  options: WithdrawPromptOptions = {},
): Promise<WithdrawResult> {
  const clock = options.clock ?? systemClock;
  const { signal } = options;
  const settleMs = options.settleMs ?? 3_000;
  const retryMs = options.retryMs ?? 500;
  let absentSince: number | undefined;
  for (;;) {
    const found = await deleteAndLook(client, promptId, signal);
    if (found?.at === 'running') return { state: 'running' };
    if (found?.at === 'finished') return { state: 'finished', finished: found.finished };
    let waitMs = retryMs;
    if (found?.at === 'pending') {
      // It arrived between the delete and the look.
      absentSince = undefined;
      waitMs = 0;
    } else if (found?.at === 'absent') {
      const now = clock.now();
      if (absentSince !== undefined && now - absentSince >= settleMs) return { state: 'withdrawn' };
      absentSince ??= now;
      waitMs = Math.max(0, absentSince + settleMs - now);
    }
    await sleep(clock, waitMs, signal);
  }
}

/** Undefined while the server is away. */
async function deleteAndLook(
  client: WithdrawClient,
  promptId: string,
  signal: AbortSignal | undefined,
): Promise<PromptLook | undefined> {
  try {
    await client.deletePending([promptId], { signal });
    return await look(client, promptId, { signal });
  } catch (error) {
    if (error instanceof ComfyError && error.code === 'unreachable') return undefined;
    throw error;
  }
}
