import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { Logger } from 'pino';
import { randomUUID } from 'node:crypto';
import type { ServiceName, SubjectData } from '../contracts/subjects.ts';
import { AppError } from '../errors/app-error.ts';
import type { BusParts } from './bus-parts.ts';
import type { Bus, Subscription } from './bus.ts';
import { toBusError } from './bus-error.ts';
import { consumeStream } from './consume-stream.ts';
import { declareStreams } from './declare-streams.ts';
import { createLivePublisher, subscribeCore } from './live-messages.ts';
import { createMessageCodec } from './message-codec.ts';
import { abortableDelay, openNatsLink, unlessAborted, type NatsLink } from './nats-link.ts';
import { publishToStream } from './publish-to-stream.ts';
import { answer, ask } from './questions.ts';
import { createSubjectNames } from './subject-names.ts';

export interface BusOptions {
  /** `nats://[user:password@]host:port` */
  url: string;
  /** Goes before every stream, subject and consumer name; letters, digits, `-` and `_`. */
  prefix?: string | undefined;
  service: ServiceName;
  log: Logger;
  /** Ends the wait for the server. */
  signal?: AbortSignal;
  /** Most bytes of live messages that wait to be read by the server; default 4 MiB. */
  maxLivePendingBytes?: number;
  randomId?: () => string;
  now?: () => number;
}

/**
 * Connects a service to NATS and declares the streams, waiting for the server as long as it takes.
 *
 * @throws AppError `config` where waiting does not help (credentials, a server that is too old or runs without
 * JetStream, a stream of another kind under our name); `unavailable` when aborted.
 */
export async function connectBus(options: BusOptions): Promise<Bus> {
  const { log, signal } = options;
  const link = await openNatsLink({ url: options.url, name: options.service, log, signal });
  try {
    assertCapable(link);
    const parts = await createParts(link, options);
    await declareUntilDone(parts, signal);
    return createBus(parts, options);
  } catch (error) {
    await link.close();
    throw error;
  }
}

/** JetStream as we use it (several filters, reasons of a termination) came with 2.10. */
function assertCapable(link: NatsLink): void {
  const info = link.nc.info;
  const [major = 0, minor = 0] = (info?.version ?? '').split('.').map(Number);
  if (major < 2 || (major === 2 && minor < 10)) {
    throw new AppError('config', `the NATS server at NATS_URL has version ${info?.version}: 2.10 or newer is needed`);
  }
  if (info?.jetstream !== true) {
    throw new AppError('config', 'the NATS server at NATS_URL runs without JetStream: start it with -js');
  }
}

async function createParts(link: NatsLink, options: BusOptions): Promise<BusParts> {
  const names = createSubjectNames(options.prefix);
  const jsm = await jetstreamManager(link.nc, { checkAPI: false, timeout: 5_000 });
  let declaring: Promise<void> | undefined;
  return {
    link,
    jsm,
    names,
    js: jetstream(link.nc, { timeout: 5_000 }),
    codec: createMessageCodec({ randomId: options.randomId ?? randomUUID, now: options.now ?? Date.now }),
    log: options.log,
    declareStreams() {
      declaring ??= link
        .whileConnected(() => declareStreams(jsm, names))
        .catch((thrown: unknown) => {
          throw toBusError(thrown);
        })
        .finally(() => (declaring = undefined));
      return declaring;
    },
  };
}

async function declareUntilDone(parts: BusParts, signal: AbortSignal | undefined): Promise<void> {
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 2_000)) {
    try {
      await unlessAborted(parts.declareStreams(), signal);
      return;
    } catch (thrown) {
      const error = toBusError(thrown);
      if (error.code !== 'unavailable' || signal?.aborted === true) throw error;
      parts.log.debug({ err: error }, 'the streams could not be declared; trying again');
    }
    await abortableDelay(delayMs, signal);
  }
}

function createBus(parts: BusParts, options: BusOptions): Bus {
  const { link, log } = parts;
  const live = createLivePublisher(parts, options.maxLivePendingBytes ?? 4 * 1_024 * 1_024);
  const open = new Set<Subscription>();
  const reconnectListeners = new Set<() => void>();
  const closing = new AbortController();

  async function afterReconnect(): Promise<void> {
    const lost = new AbortController();
    const off = link.onChange(() => lost.abort());
    try {
      await declareUntilDone(parts, AbortSignal.any([lost.signal, closing.signal]));
    } catch (error) {
      // Lost again: the next return does all this. Anything else is for the operator, and messages are only doorbells.
      if (lost.signal.aborted || closing.signal.aborted) return;
      log.error({ err: error }, 'the streams could not be declared');
    } finally {
      off();
    }
    for (const listener of reconnectListeners.values().toArray()) listener();
  }

  link.onChange((connected) => {
    if (!connected) return;
    afterReconnect().catch((error: unknown) => log.error({ err: error }, 'a listener failed after a reconnect'));
  });

  /** Remembers what has to end before the connection does. */
  function opened<T extends Subscription>(subscription: T): T {
    const tracked = {
      ...subscription,
      async stop() {
        await subscription.stop();
        open.delete(tracked);
      },
    };
    open.add(tracked);
    return tracked;
  }

  return {
    get connected() {
      return link.connected;
    },
    onConnectionChange: (listener) => link.onChange(listener),
    onReconnect(listener) {
      reconnectListeners.add(listener);
      return () => reconnectListeners.delete(listener);
    },
    declareStreams: () => parts.declareStreams(),
    streamName: (name) => parts.names.stream(name),
    publish: (key, tokens, data, publishOptions) => publishToStream(parts, key, tokens, data, publishOptions),
    async publishOutbox(message) {
      const { key, tokens, id, correlationId } = message;
      // Parsed on its way out, as everything is.
      const data = message.data as SubjectData<typeof key>;
      await publishToStream(parts, key, tokens, data, { id, correlationId, waitMs: 0 });
    },
    consume: (key, consumeOptions) => opened(consumeStream(parts, key, consumeOptions)),
    subscribeDoorbell: (key, tokens, handler) => opened(subscribeCore(parts, key, tokens, handler)),
    publishLive: (key, tokens, data, correlationId) => live.publish(key, tokens, data, correlationId),
    subscribeLive: (key, tokens, handler) => opened(subscribeCore(parts, key, tokens, handler)),
    ask: (key, tokens, data, askOptions) => ask(parts, key, tokens, data, askOptions),
    answer: (key, tokens, handler) => opened(answer(parts, options.service, key, tokens, handler)),
    flush: () => link.whileConnected(() => link.nc.flush()),
    async close() {
      closing.abort();
      await Promise.all([...open].map((subscription) => subscription.stop()));
      await link.close();
    },
  };
}
