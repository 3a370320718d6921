import { restartDelayMs, steadyAfterMs } from './restart-delay.ts';
import type { ServerProcess } from './server-process.ts';

export interface KeptServer {
  readonly url: string;
  /** Undefined between an end and the next start. */
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/**
 * Starts a server and starts it again with back-off, on the same port, whenever it ends unasked.
 * Rejects when the first start fails; a later one is tried until it succeeds or `stop` is called.
 *
 * @param start starts it; `port` is that of the first start, undefined the first time.
 */
export async function keepServerRunning(
  start: (port: number | undefined) => Promise<ServerProcess>,
  notice: (text: string) => void,
): Promise<KeptServer> {
  const first = await start(undefined);
  let current: ServerProcess | undefined = first;
  const stopping = new AbortController();
  const watching = watch(first);

  async function watch(server: ServerProcess): Promise<void> {
    let running = server;
    let failures = 0;
    for (;;) {
      const since = performance.now();
      await running.exited;
      current = undefined;
      if (stopping.signal.aborted) return;
      failures = performance.now() - since >= steadyAfterMs ? 1 : failures + 1;
      const next = await restart(failures);
      if (next === undefined) return;
      running = next;
      current = next;
    }
  }

  async function restart(failures: number): Promise<ServerProcess | undefined> {
    for (let attempt = failures; !stopping.signal.aborted; attempt += 1) {
      const delayMs = restartDelayMs(attempt);
      notice(`ended; starting it again in ${delayMs} ms`);
      await waitOrStop(delayMs);
      if (stopping.signal.aborted) return undefined;
      try {
        const server = await start(first.port);
        if (!stopping.signal.aborted) return server;
        await server.stop();
      } catch (error) {
        notice(error instanceof Error ? error.message : String(error));
      }
    }
    return undefined;
  }

  function waitOrStop(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        stopping.signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, delayMs);
      stopping.signal.addEventListener('abort', end);
    });
  }

  return {
    url: first.url,
    get pid() {
      return current?.pid;
    },
    async stop() {
      stopping.abort();
      await current?.stop();
      await watching;
    },
  };
}
