import { ComfyError } from '../errors/comfy-error.ts';
import { sleep, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { ComfyClient } from './comfy-client.ts';
import { look } from './look.ts';
import type { PromptLook } from './look.ts';

/** What became of an interrupt. */
export type InterruptResult =
  /** It does not run (any more): where it is now, and how many interrupts were sent. */
  | { state: 'not-running'; found: Exclude<PromptLook, { at: 'running' }>; sent: number }
  /** It still ran at the deadline. */
  | { state: 'still-running'; sent: number }
  /**
   * Nothing was sent: this server stops whatever runs, whatever prompt is named, and another prompt waits to run next and
   * could be hit. Withdraw it, or wait, and try again.
   */
  | { state: 'unsafe'; sent: number };

export interface InterruptPromptOptions {
  clock?: Clock;
  signal?: AbortSignal | undefined;
  /** A time of `clock` at which to give up. Never unless given. */
  deadlineAtMs?: number | undefined;
  /** The first wait between an interrupt and the look at its effect; doubled up to 2,000. 100 unless given. */
  repeatMs?: number;
}

type InterruptClient = Pick<
  ComfyClient,
  'job' | 'queue' | 'history' | 'interrupt' | 'interruptAny' | 'canInterruptOne' | 'cancelJob'
>;

/**
 * Interrupts one prompt if it runs, and repeats until it has left the running list: an interrupt that lands in the instant a prompt
 * starts is lost, and one only takes effect between nodes or at a step.
 *
 * Never stops another's prompt. Where `/api/jobs/{id}/cancel` exists it is used. From 0.3.64 on `POST /interrupt` checks the id
 * that it is given against the running list. Earlier versions ignore the id: there it is only sent when this prompt runs and nothing
 * at all waits behind it, so that there is no other prompt to hit.
 *
 * A pending prompt is left where it is (`withdrawPrompt`). An unreachable server is asked again until the deadline.
 *
 * @throws ComfyError `aborted`, `refused`.
 */
export async function interruptPrompt(
  client: InterruptClient,
  promptId: string,
  options: InterruptPromptOptions = {},
): Promise<InterruptResult> {
  const clock = options.clock ?? systemClock;
  const deadlineAtMs = options.deadlineAtMs ?? Number.POSITIVE_INFINITY;
  const { signal } = options;
  let waitMs = options.repeatMs ?? 100;
  let sent = 0;
  for (;;) {
    try {
      const found = await look(client, promptId, { signal });
      if (found.at !== 'running') return { state: 'not-running', found, sent };
      if (clock.now() >= deadlineAtMs) return { state: 'still-running', sent };
      if (!(await sendInterrupt(client, promptId, signal))) return { state: 'unsafe', sent };
      sent += 1;
    } catch (error) {
      // Sent or not: the next look tells. A server that is away runs nothing that could be hit wrongly.
      if (!(error instanceof ComfyError) || error.code !== 'unreachable' || clock.now() >= deadlineAtMs) throw error;
    }
    await sleep(clock, Math.max(0, Math.min(waitMs, deadlineAtMs - clock.now())), signal);
    waitMs = Math.min(2_000, waitMs * 2);
  }
}

async function sendInterrupt(
  client: InterruptClient,
  promptId: string,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (await client.cancelJob(promptId, { signal })) return true;
  if (await client.canInterruptOne({ signal })) {
    await client.interrupt(promptId, { signal });
    return true;
  }
  const queue = await client.queue({ signal });
  const runs = queue.running.some((item) => item.promptId === promptId);
  if (!runs) return true;
  if (queue.running.length > 1 || queue.pending.length > 0) return false;
  await client.interruptAny({ signal });
  return true;
}
