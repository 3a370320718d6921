import type { Logger } from 'pino';

export interface SweepTask {
  everyMs: number;
  work: () => Promise<void>;
}

/** Runs each task again and again, the next run `everyMs` after the last has ended. A failure waits for the next run. */
export function createSweeper(log: Logger, tasks: readonly SweepTask[]): { start(): void; stop(): Promise<void> } {
  const timers = new Map<SweepTask, NodeJS.Timeout>();
  const underway = new Set<Promise<void>>();
  let stopped = false;

  function schedule(task: SweepTask): void {
    if (stopped) return;
    const timer = setTimeout(() => {
      const run = task
        .work()
        .catch((error: unknown) => log.debug({ err: error }, 'a sweep failed; again soon'))
        .finally(() => {
          underway.delete(run);
          schedule(task);
        });
      underway.add(run);
    }, task.everyMs);
    timers.set(task, timer);
  }

  return {
    start() {
      for (const task of tasks) schedule(task);
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(underway);
    },
  };
}
