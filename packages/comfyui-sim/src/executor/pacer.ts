import type { SimClock } from '../clock/sim-clock.ts';

/** Spends simulated GPU time for one prompt. */
export interface Pacer {
  /** Takes `ms` of the profile's time: divided by the speed, nothing at speed 0. */
  work: (ms: number) => Promise<void>;
  /** Called at each sampling step. */
  step: () => Promise<void>;
  isHurried: boolean;
}

/** Timers are coarse: smaller amounts are saved up and slept off together. */
const minSleepMs = 3;
/** A timer that woke late gives back at most this much. */
const maxAdvanceMs = 50;

function createSpender(clock: SimClock, speed: number, signal: AbortSignal): (ms: number) => Promise<void> {
  let owedMs = 0;
  return async (ms) => {
    signal.throwIfAborted();
    if (speed === 0 || ms <= 0) return;
    owedMs += ms / speed;
    if (owedMs < minSleepMs) return;
    const before = clock.now();
    await clock.sleep(owedMs, signal);
    // What a late timer overslept is given back, so that a run's length does not depend on the number of sleeps.
    owedMs = Math.max(-maxAdvanceMs, owedMs - (clock.now() - before));
  };
}

/** @param speed 1 is the profile's time, 2 half of it, 0 no waiting at all. */
export function createPacer(clock: SimClock, speed: number, signal: AbortSignal): Pacer {
  return { work: createSpender(clock, speed, signal), step: () => Promise.resolve(), isHurried: speed === 0 };
}

/**
 * A pacer that takes a given time in all: spread over the steps, or before the first node where there are none.
 *
 * @param steps sampling steps that the prompt will take.
 */
export function createFixedPacer(
  clock: SimClock,
  speed: number,
  signal: AbortSignal,
  totalMs: number,
  steps: number,
): Pacer {
  const spend = createSpender(clock, speed, signal);
  let isSpent = false;
  return {
    work: async () => {
      if (steps > 0 || isSpent) return;
      isSpent = true;
      await spend(totalMs);
    },
    step: () => spend(totalMs / steps),
    isHurried: speed === 0,
  };
}
