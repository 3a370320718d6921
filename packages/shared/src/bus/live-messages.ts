import type { Msg } from '@nats-io/nats-core';
import type { SubjectData, SubjectKey, SubjectKeyOf } from '../contracts/subjects.ts';
import type { BusParts } from './bus-parts.ts';
import type { MessageContext, Subscription } from './bus.ts';
import { createRunningHandlers } from './running-handlers.ts';
import { messageTrace, traceHeaders } from './trace-context.ts';

/** How much is sent before the server is asked whether it has taken it. */
const confirmEveryBytes = 256 * 1_024;
/** Asynchronous handlers that may run at a time; what comes beyond is dropped. */
const maxRunningHandlers = 1_000;

export interface LivePublisher {
  publish<K extends SubjectKeyOf<'live'>>(
    key: K,
    tokens: Readonly<Record<string, string>>,
    data: SubjectData<K>,
    correlationId: string,
  ): void;
}

/**
 * Publishes what may be lost. What the server has not confirmed to have read (by the answer to a ping behind it) is
 * bounded by `maxPendingBytes`, so that a stuck connection costs that much memory and no more.
 */
export function createLivePublisher(parts: BusParts, maxPendingBytes: number): LivePublisher {
  const { link, log } = parts;
  let pendingBytes = 0;
  let confirming = false;
  let dropped = 0;

  function confirm(): void {
    confirming = true;
    const sentBytes = pendingBytes;
    link.nc
      .flush()
      .then(
        () => (pendingBytes -= sentBytes),
        // The connection is lost, and the client has thrown away what it had buffered.
        () => (pendingBytes = 0),
      )
      .finally(() => {
        confirming = false;
        if (dropped > 0) log.debug({ dropped }, 'live messages were dropped while NATS was slow or away');
        dropped = 0;
      });
  }

  return {
    publish(key, tokens, data, correlationId) {
      if (!link.connected || pendingBytes > maxPendingBytes) {
        dropped++;
        return;
      }
      try {
        const payload = new TextEncoder().encode(parts.codec.encode(key, data, { correlationId }));
        link.nc.publish(parts.names.subject(key, tokens), payload, { headers: traceHeaders(correlationId) });
        pendingBytes += payload.length;
      } catch (error) {
        log.warn({ err: error, subject: key, request_id: correlationId }, 'a live message was not sent');
        return;
      }
      if (pendingBytes >= confirmEveryBytes && !confirming) confirm();
    },
  };
}

/** A core subscription: hears what is published while connected, on live subjects and on those of streams alike. */
export function subscribeCore<K extends SubjectKey>(
  parts: BusParts,
  key: K,
  tokens: Readonly<Record<string, string | undefined>>,
  handler: (data: SubjectData<K>, context: MessageContext) => void | Promise<void>,
): Subscription {
  const log = parts.log.child({ subject: key });
  const running = createRunningHandlers();

  async function handle(message: Msg): Promise<void> {
    try {
      const { data, id, correlationId, time } = parts.codec.decode(key, message.data);
      const named = parts.names.tokens(key, message.subject);
      await handler(data, { id, correlationId, time, tokens: named, ...messageTrace(message) });
    } catch (error) {
      log.warn({ err: error }, 'a message was dropped');
    }
  }

  const subscription = parts.link.nc.subscribe(parts.names.filter(key, tokens), {
    callback(error, message) {
      if (error !== null) {
        log.error({ err: error }, 'NATS refuses this subscription');
        return;
      }
      if (running.size >= maxRunningHandlers) return;
      running.start(() => handle(message));
    },
  });

  return {
    async stop() {
      subscription.unsubscribe();
      await running.settled();
    },
  };
}
