/** Time for the simulator: real by default, turned by hand in tests. */
export interface SimClock {
  /** Milliseconds since 1970, as ComfyUI's `timestamp` and `create_time`. */
  now: () => number;
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as the signal fires. */
  sleep: (delayMs: number, signal: AbortSignal) => Promise<void>;
}

/** The clock of this process. */
export const systemSimClock: SimClock = {
  now: () => Date.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal.addEventListener('abort', onAbort, { once: true });
    }),
};
