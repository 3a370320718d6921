import type { Logger } from 'pino';

/** Something that operators set, read again every few seconds: nobody who asks waits for it while it is in use. */
export interface RecentValue<T> {
  /** At most a few seconds old; the last known one while it cannot be read. @throws AppError before the first reading. */
  current(): Promise<T>;
  /** It was changed here: read it at once. */
  renew(): void;
}

/** Older than this it is read again; older than the second, before anything is answered. */
const freshMs = 2_000;
const staleMs = 6_000;

/** @param options.what names it in the log. */
export function createRecentValue<T>(options: {
  what: string;
  read: () => Promise<T>;
  log: Pick<Logger, 'debug'>;
}): RecentValue<T> {
  let known: { value: T } | undefined;
  let readAt = -Infinity;
  let reading: Promise<{ value: T }> | undefined;

  async function read(): Promise<{ value: T }> {
    const startedAt = performance.now();
    known = { value: await options.read() };
    readAt = startedAt;
    return known;
  }

  return {
    async current() {
      const ageMs = performance.now() - readAt;
      if (known !== undefined && ageMs < freshMs) return known.value;
      reading ??= read().finally(() => (reading = undefined));
      const renewed = reading.catch((error: unknown) => {
        if (known === undefined) throw error;
        options.log.debug({ err: error }, `${options.what} cannot be read: the last known counts`);
        return known;
      });
      return known !== undefined && ageMs < staleMs ? known.value : (await renewed).value;
    },
    renew() {
      readAt = -Infinity;
    },
  };
}
