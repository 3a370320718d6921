/** The handlers that run now, so that an end can wait for them. */
export interface RunningHandlers {
  readonly size: number;
  /** @param handler must not reject: it reports its own failures. */
  start(handler: () => Promise<void>): void;
  settled(): Promise<void>;
}

export function createRunningHandlers(): RunningHandlers {
  const running = new Set<Promise<void>>();

  async function track(handler: () => Promise<void>): Promise<void> {
    const work = handler();
    running.add(work);
    await work;
    running.delete(work);
  }

  return {
    get size() {
      return running.size;
    },
    start(handler) {
      void track(handler);
    },
    async settled() {
      await Promise.all(running);
    },
  };
}
