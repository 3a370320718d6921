import { setTimeout as sleep } from 'node:timers/promises';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import { withdrawPrompt } from '@atelier/comfyui/client/withdraw-prompt';
import { promptIdOf, type HeldJob, type RunJobDeps } from './held-job.ts';

/**
 * What became of a prompt that was to be taken out of ComfyUI: `withdrawn`: it was not started and never will be;
 * `ending`: it was interrupted, or had ended; `running`: it was left alone.
 */
export type StopOutcome = 'withdrawn' | 'ending' | 'running';

/** Takes a prompt back that has not started, where the lease still holds and the row says the same; else it is left alone. */
export async function takeBack(deps: RunJobDeps, held: HeldJob, until: AbortSignal): Promise<StopOutcome> {
  const intent = await deps.store.withdrawing(held.lease);
  return intent.held ? withdraw(deps, held, until) : 'running';
}

/** Deletes it from ComfyUI's queue, then looks for it. */
async function withdraw(deps: RunJobDeps, held: HeldJob, until: AbortSignal): Promise<StopOutcome> {
  const withdrawn = await withdrawPrompt(deps.client, promptIdOf(held.job), {
    signal: until,
    // Only a POST that may still be on its way needs the wait between the two looks.
    settleMs: held.arrived ? 0 : deps.timings.settleMs,
  });
  if (withdrawn.state === 'withdrawn') return 'withdrawn';
  return withdrawn.state === 'running' ? 'running' : 'ending';
}

/**
 * Takes a prompt out of ComfyUI wherever it is, out of the queue or off the GPU; again and again while a part is away
 * or another's prompt could be hit: a wish is never forgotten.
 */
export async function stopPatiently(deps: RunJobDeps, held: HeldJob, until: AbortSignal): Promise<StopOutcome> {
  const promptId = promptIdOf(held.job);
  while (!until.aborted) {
    try {
      // Refused for what runs, which is interrupted all the same: the wish to cancel is in the row already.
      await deps.store.withdrawing(held.lease);
      const outcome = await withdraw(deps, held, until);
      if (outcome !== 'running') return outcome;
      const interrupted = await interruptPrompt(deps.client, promptId, { signal: until });
      held.log.info({ prompt_id: promptId, outcome: interrupted.state, sent: interrupted.sent }, 'interrupted');
      if (interrupted.state !== 'unsafe') return 'ending';
      // A server that stops whatever runs is not asked to while another prompt waits; ours need not be that one.
      for (const entry of deps.line.open()) if (entry !== held.entry) entry.recall('interrupt');
    } catch (error) {
      if (until.aborted) break;
      held.log.warn({ prompt_id: promptId, err: error }, 'the prompt could not be stopped yet; trying again');
    }
    await sleep(deps.timings.retryMs, undefined, { signal: until }).catch(() => {});
  }
  return 'running';
}
