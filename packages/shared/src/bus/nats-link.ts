import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import type { Logger } from 'pino';
import { AppError } from '../errors/app-error.ts';
import { toBusError } from './bus-error.ts';

/** How long one attempt to connect may take. */
const dialTimeoutMs = 5_000;
const reconnectWaitMs = 250;
/** Two unanswered pings end a half-open connection, so within 30 s. */
const pingIntervalMs = 10_000;

export interface NatsLinkOptions {
  url: string;
  /** Shown by the server's monitoring. */
  name: string;
  log: Logger;
  signal?: AbortSignal | undefined;
}

/** The connection and what is known of its state. It reconnects without end; only `close` ends it. */
export interface NatsLink {
  readonly nc: NatsConnection;
  readonly connected: boolean;
  /** Raised at every reconnect. What a server said before may not hold on the next: it can have lost its state. */
  readonly epoch: number;
  /** Called at every loss (false) and return (true). Returns the way out. */
  onChange(listener: (connected: boolean) => void): () => void;
  /**
   * Runs `work` and gives up as soon as the connection is lost: an answer that was on its way will not come.
   * @throws AppError `unavailable` when not connected, or when the connection is lost meanwhile.
   */
  whileConnected<T>(work: () => Promise<T>): Promise<T>;
  /** @throws AppError `unavailable` when aborted. */
  waitUntilConnected(signal: AbortSignal): Promise<void>;
  /** Sends what is buffered, within 2 s, and closes. */
  close(): Promise<void>;
}

/**
 * Opens the connection, waiting for the server with back-off from 50 ms to 2 s.
 *
 * @throws AppError `config` at once where the credentials are refused; `unavailable` when aborted.
 */
export async function openNatsLink(options: NatsLinkOptions): Promise<NatsLink> {
  return createNatsLink(await dial(options), options.log);
}

async function dial({ url, name, log, signal }: NatsLinkOptions): Promise<NatsConnection> {
  let delayMs = 50;
  for (let attempt = 1; ; attempt++) {
    const connecting = connect({
      servers: url,
      name,
      timeout: dialTimeoutMs,
      maxReconnectAttempts: -1,
      reconnectTimeWait: reconnectWaitMs,
      reconnectJitter: reconnectWaitMs,
      pingInterval: pingIntervalMs,
      maxPingOut: 2,
      ignoreAuthErrorAbort: true,
      noAsyncTraces: true,
    });
    try {
      const nc = await unlessAborted(connecting, signal);
      if (attempt > 1) log.info('NATS answers again');
      return nc;
    } catch (thrown) {
      const error = toBusError(thrown);
      if (signal?.aborted === true) closeWhenOpen(connecting);
      if (error.code === 'config' || signal?.aborted === true) throw error;
      if (attempt === 1) log.warn({ err: error }, 'waiting for NATS at NATS_URL');
    }
    await abortableDelay(delayMs, signal);
    delayMs = Math.min(delayMs * 2, 2_000);
  }
}

/** For an attempt that nobody waits for any more. */
function closeWhenOpen(connecting: Promise<NatsConnection>): void {
  connecting.then(
    (nc) => nc.close(),
    () => undefined,
  );
}

/** The outcome of `work`, unless the abort comes first. @throws AppError `unavailable` when aborted. */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(new AppError('unavailable', 'stopped while waiting for NATS'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Ends early, without an error, when aborted. */
export function abortableDelay(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal?.aborted === true) return Promise.resolve();
  const done = (): void => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', done);
    resolve();
  };
  const timer = setTimeout(done, delayMs);
  signal?.addEventListener('abort', done);
  return promise;
}

function createNatsLink(nc: NatsConnection, log: Logger): NatsLink {
  let connected = true;
  let epoch = 1;
  let closing = false;
  const listeners = new Set<(connected: boolean) => void>();

  function change(next: boolean): void {
    if (connected === next) return;
    connected = next;
    if (next) epoch++;
    // A copy: a listener that adds one must not have it called for this same change.
    for (const listener of listeners.values().toArray()) listener(next);
  }

  function onChange(listener: (connected: boolean) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async function watch(): Promise<void> {
    for await (const status of nc.status()) {
      if (status.type === 'disconnect') {
        if (!closing && connected) log.warn('the connection to NATS is lost; reconnecting');
        change(false);
      } else if (status.type === 'reconnect') {
        log.info('NATS answers again');
        change(true);
      } else if (status.type === 'error') {
        log.warn({ err: status.error }, 'NATS reports an error');
      }
    }
    change(false);
  }
  // Ends with the connection; its only throw would be a listener's bug, which must not take the process down unseen.
  watch().catch((error: unknown) => log.error({ err: error }, 'watching the NATS connection failed'));

  return {
    nc,
    get connected() {
      return connected;
    },
    get epoch() {
      return epoch;
    },
    onChange,
    async whileConnected(work) {
      if (!connected) throw new AppError('unavailable', 'NATS is away');
      const lost = Promise.withResolvers<never>();
      const off = onChange(() => lost.reject(new AppError('unavailable', 'the connection to NATS was lost')));
      try {
        return await Promise.race([work(), lost.promise]);
      } finally {
        off();
      }
    },
    waitUntilConnected(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const settle = (): void => {
        if (!connected && !signal.aborted) return;
        off();
        signal.removeEventListener('abort', settle);
        if (connected) resolve();
        else reject(new AppError('unavailable', 'NATS is away'));
      };
      const off = onChange(settle);
      signal.addEventListener('abort', settle);
      settle();
      return promise;
    },
    async close() {
      closing = true;
      if (nc.isClosed()) return;
      if (connected) {
        const late = new AbortController();
        const drained = nc.drain().catch((error: unknown) => log.debug({ err: error }, 'NATS did not drain'));
        await Promise.race([drained, abortableDelay(2_000, late.signal)]);
        late.abort();
      }
      await nc.close();
    },
  };
}
