import type { SimClock } from '@atelier/comfyui-sim/clock/sim-clock';

/** A clock whose sleeps take no time, but stand still where the replay wants the simulated GPU to be busy. */
export interface GatedClock extends SimClock {
  /** Asked at each sleep: resolves when the run may go on. */
  setGate: (gate: () => Promise<void>) => void;
}

export function createGatedClock(): GatedClock {
  let pass: () => Promise<void> = () => Promise.resolve();
  let elapsedMs = 0;
  return {
    now: () => Date.now() + elapsedMs,
    sleep: async (delayMs, signal) => {
      elapsedMs += delayMs;
      await Promise.race([
        pass(),
        new Promise<never>((_, reject) => {
          if (signal.aborted) reject(signal.reason as Error);
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        }),
      ]);
    },
    setGate: (gate) => {
      pass = gate;
    },
  };
}
