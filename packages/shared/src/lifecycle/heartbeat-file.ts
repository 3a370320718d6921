import { rm, writeFile } from 'node:fs/promises';
import type { Logger } from 'pino';

const usualEveryMs = 10_000;

export interface Heartbeat {
  /** Ends the heartbeat and removes the file. */
  stop(): Promise<void>;
}

/**
 * Writes a file anew every `everyMs` (10 s unless given) for as long as this process's event loop turns, for health checks
 * from outside that cannot ask over the network: the file's age says whether the service is alive. A file that cannot be
 * written is logged and does not disturb the service.
 */
export function startHeartbeat(path: string, log: Logger, everyMs = usualEveryMs): Heartbeat {
  let last: Promise<void> = Promise.resolve();
  const beat = (): void => {
    last = writeFile(path, `${process.pid}\n`).catch((error: unknown) => {
      log.warn({ err: error, path }, 'the heartbeat file cannot be written');
    });
  };
  beat();
  const timer = setInterval(beat, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      // A beat under way would bring the file back.
      await last;
      await rm(path, { force: true });
    },
  };
}
