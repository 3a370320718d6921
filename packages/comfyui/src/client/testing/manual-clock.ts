import type { Clock } from '../clock.ts';

/** A clock that a test turns. */
export interface ManualClock extends Clock {
  /** Goes forward, calling what falls due in order, and lets promises settle before and after each call. */
  advance(byMs: number): Promise<void>;
}

/** Builds a clock that stands at zero. */
export function createManualClock(): ManualClock {
  let now = 0;
  let order = 0;
  const timers = new Map<number, { atMs: number; callback: () => void }>();

  function nextDue(untilMs: number): number | undefined {
    let next: number | undefined;
    for (const [key, timer] of timers) {
      if (timer.atMs > untilMs) continue;
      if (next === undefined || timer.atMs < (timers.get(next)?.atMs ?? 0)) next = key;
    }
    return next;
  }

  return {
    now: () => now,
    schedule: (callback, delayMs) => {
      const key = order++;
      timers.set(key, { atMs: now + delayMs, callback });
      return () => timers.delete(key);
    },
    advance: async (byMs) => {
      const untilMs = now + byMs;
      await settle();
      for (let key = nextDue(untilMs); key !== undefined; key = nextDue(untilMs)) {
        const timer = timers.get(key);
        timers.delete(key);
        if (timer === undefined) continue;
        now = Math.max(now, timer.atMs);
        timer.callback();
        await settle();
      }
      now = untilMs;
    },
  };
}

/** Lets every promise that can settle without I/O do so. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
