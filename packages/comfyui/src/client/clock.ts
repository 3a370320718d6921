import { ComfyError } from '../errors/comfy-error.ts';

/** Time as an argument, so that a test can turn it by hand. */
export interface Clock {
  /** Milliseconds since a fixed origin; never goes back. */
  now(): number;
  /** Calls `callback` once, `delayMs` from now. Returns what cancels it; cancelling late or twice does nothing. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Node fires a timer beyond this at once. */
const longestTimerMs = 2 ** 31 - 1;

/** The monotonic clock of this process. A delay beyond 24 days is cut to that. */
export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (callback, delayMs) => {
    const timer = setTimeout(callback, Math.min(delayMs, longestTimerMs));
    return () => clearTimeout(timer);
  },
};

/** The error of a call that its caller's signal ended. */
export function abortedError(signal?: AbortSignal): ComfyError {
  return new ComfyError('aborted', 'The call was ended by its caller.', { cause: signal?.reason as unknown });
}

/**
 * Waits.
 *
 * @throws ComfyError `aborted` as soon as the signal fires.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(abortedError(signal));
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(abortedError(signal));
    };
    const cancel = clock.schedule(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
