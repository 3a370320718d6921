const firstDelayMs = 100;
const maxDelayMs = 10_000;
/** A process that ran this long was well; its next end counts as the first. */
export const steadyAfterMs = 30_000;

/** How long to wait before starting again after `failures` ends in a row (1 and up), in ms: 100, 200, 400 … 10,000. */
export function restartDelayMs(failures: number): number {
  return Math.min(maxDelayMs, firstDelayMs * 2 ** Math.min(20, Math.max(0, failures - 1)));
}
