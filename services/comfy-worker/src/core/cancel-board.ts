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
  function controllerOf(jobId: string): AbortController {
    let controller = board.get(jobId);
    if (controller === undefined) {
      controller = new AbortController();
      board.set(jobId, controller);
      const [oldest] = board.keys();
      if (board.size > maxWishes && oldest !== undefined) board.delete(oldest);
    }
    return controller;
  }
  return {
    request: (jobId) => controllerOf(jobId).abort(),
    signalOf: (jobId) => controllerOf(jobId).signal,
    forget: (jobId) => void board.delete(jobId),
  };
}
