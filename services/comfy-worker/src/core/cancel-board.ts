/** Which of the jobs at hand a cancel is wanted for; a wish may arrive before the job does. */
export interface CancelBoard {
  request(jobId: string): void;
  signalOf(jobId: string): AbortSignal;
  forget(jobId: string): void;
}

/** Wishes for jobs that never come here are forgotten past this many. */
const maxWishes = 1_000;

export function createCancelBoard(): CancelBoard {
  const board = new Map<string, AbortController>();
  /** Never the signal of a job at hand, whose wish may still come. */
  function forgetOldestWish(newest: string): void {
    for (const [jobId, { signal }] of board) {
      if (!signal.aborted || jobId === newest) continue;
      board.delete(jobId);
      return;
    }
  }
  function controllerOf(jobId: string): AbortController {
    let controller = board.get(jobId);
    if (controller === undefined) {
      controller = new AbortController();
      board.set(jobId, controller);
      if (board.size > maxWishes) forgetOldestWish(jobId);
    }
    return controller;
  }
  return {
    request: (jobId) => controllerOf(jobId).abort(),
    signalOf: (jobId) => controllerOf(jobId).signal,
    forget: (jobId) => void board.delete(jobId),
  };
}
