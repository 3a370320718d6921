/** Lets one loop sleep until something rings, and never miss a ring that came while it was looking. */
export interface WakeBell {
  ring(): void;
  clear(): void;
  /** Resolves at a ring since the last clear, at the latest after `ms`, or when one of the signals fires. */
  wait(ms: number, signals: readonly AbortSignal[]): Promise<void>;
}

export function createWakeBell(): WakeBell {
  let rung = false;
  let wake = (): void => {};
  return {
    ring() {
      rung = true;
      wake();
    },
    clear() {
      rung = false;
    },
    wait(ms, signals) {
      if (rung || signals.some((signal) => signal.aborted)) {
        rung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const finish = (): void => {
          clearTimeout(timer);
          for (const signal of signals) signal.removeEventListener('abort', finish);
          wake = () => {};
          resolve();
        };
        const timer = setTimeout(finish, ms);
        for (const signal of signals) signal.addEventListener('abort', finish, { once: true });
        wake = finish;
      });
    },
  };
}
