/** What is known of a run that goes on. */
export interface RunFacts {
  /** Since it started. */
  elapsedMs: number;
  /** What runs of its kind took so far; absent while none was measured. */
  expectedMs: number | undefined;
  /** How far it says it is, 0 to 1. */
  fraction: number | undefined;
}

/** Below this the progress of a run says nothing about its speed: models are still being loaded. */
const tellingFraction = 0.1;

/**
 * Milliseconds that a run still takes, as far as its measurements and its progress tell; `undefined` where neither does.
 * Of two answers the smaller: who expects the end too early lets the next prompt wait in ComfyUI a little longer, who
 * expects it too late lets the GPU stand idle.
 */
export function remainingMs(run: RunFacts): number | undefined {
  const byKind = run.expectedMs === undefined ? undefined : Math.max(0, run.expectedMs - run.elapsedMs);
  const byProgress =
    run.fraction === undefined || run.fraction < tellingFraction
      ? undefined
      : (run.elapsedMs * (1 - Math.min(1, run.fraction))) / run.fraction;
  if (byKind === undefined || byProgress === undefined) return byKind ?? byProgress;
  return Math.min(byKind, byProgress);
}
