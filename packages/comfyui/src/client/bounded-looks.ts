import { ComfyError } from '../errors/comfy-error.ts';
import type { Clock } from './clock.ts';
import { look } from './look.ts';
import type { LookClient, PromptLook } from './look.ts';

/** Looks that end when the caller gives up, and at the deadline even where the server never answers. */
export interface BoundedLooks {
  /** `aborted` and `deadline`: the caller's signal or the deadline cut it short. */
  look(): Promise<PromptLook | 'unreachable' | 'aborted' | 'deadline'>;
  stop(): void;
}

interface BoundedLooksOptions {
  client: LookClient;
  promptId: string;
  clock: Clock;
  /** A time of `clock`; Infinity for none. */
  deadlineAtMs: number;
  signal: AbortSignal | undefined;
}

export function createBoundedLooks({
  client,
  promptId,
  clock,
  deadlineAtMs,
  signal: outer,
}: BoundedLooksOptions): BoundedLooks {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const cancel = Number.isFinite(deadlineAtMs)
    ? clock.schedule(end, Math.max(0, deadlineAtMs - clock.now()))
    : (): void => {};
  if (outer?.aborted === true) end();
  else outer?.addEventListener('abort', end, { once: true });
  return {
    look: async () => {
      try {
        return await look(client, promptId, { signal: controller.signal });
      } catch (error) {
        if (controller.signal.aborted) return outer?.aborted === true ? 'aborted' : 'deadline';
        // Refused and malformed answers too: a proxy in front of a ComfyUI that restarts says many things.
        if (error instanceof ComfyError) return 'unreachable';
        throw error;
      }
    },
    stop: () => {
      cancel();
      outer?.removeEventListener('abort', end);
    },
  };
}
