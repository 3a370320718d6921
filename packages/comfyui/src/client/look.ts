import type { ComfyClient } from './comfy-client.ts';
import type { CallOptions } from './comfy-requests.ts';
import type { FinishedPrompt } from './finished-prompt.ts';

/** Where one prompt is. */
export type PromptLook =
  | { at: 'running' }
  | {
      at: 'pending';
      /** How many prompts run before it, the running one included; undefined where only `/api/jobs` was asked. */
      ahead: number | undefined;
    }
  | { at: 'finished'; finished: FinishedPrompt }
  /** In neither queue nor history: never queued, not queued yet, withdrawn, or forgotten by a restart. */
  | { at: 'absent' };

/** The calls that a look needs. */
export type LookClient = Pick<ComfyClient, 'job' | 'queue' | 'history'>;

/**
 * Looks where a prompt is.
 *
 * The queue is read before the history: a prompt moves from one to the other in one step of the server, so that read in this order it is
 * never missed, while in the other order it can finish in between. `/api/jobs/{id}` reads both in the same order in one
 * request, without the workflows of the queue; "absent" is only believed from queue and history themselves.
 *
 * @throws ComfyError `unreachable` and the others of the client: then nothing is known.
 */
export async function look(client: LookClient, promptId: string, options: CallOptions = {}): Promise<PromptLook> {
  const job = await client.job(promptId, options);
  if (job.at === 'running') return { at: 'running' };
  if (job.at === 'pending') return { at: 'pending', ahead: undefined };
  if (job.at === 'finished') return { at: 'finished', finished: job.finished };

  const queue = await client.queue(options);
  if (queue.running.some((item) => item.promptId === promptId)) return { at: 'running' };
  const place = queue.pending.findIndex((item) => item.promptId === promptId);
  if (place >= 0) return { at: 'pending', ahead: queue.running.length + place };
  const finished = await client.history(promptId, options);
  return finished === undefined ? { at: 'absent' } : { at: 'finished', finished };
}
