import type { Consumer, JsMsg } from '@nats-io/jetstream';
import { subjects, type SubjectData, type SubjectKeyOf } from '../contracts/subjects.ts';
import type { Envelope } from '../contracts/envelope.ts';
import { AppError } from '../errors/app-error.ts';
import type { BusParts } from './bus-parts.ts';
import type { ConsumeOptions, Consumption, DeadContext } from './bus.ts';
import { toBusError } from './bus-error.ts';
import { ensureConsumer } from './ensure-consumer.ts';
import { abortableDelay } from './nats-link.ts';
import { messageTrace } from './trace-context.ts';

/** How long one pull waits at the server before it is made again. */
const pullExpiresMs = 30_000;
const deadRetryMs = 5_000;

/**
 * Takes messages from a stream, one a free handler, so that none waits unhandled in this process while its time runs.
 *
 * A slot is idle (its pull waits at the server) or handling (it tells the server that work goes on). A lost connection
 * ends every pull; after the return, and after any refusal, the consumer and its stream are looked for and made again.
 * Deliveries are counted by the server: a message that killed `maxDeliver` processes goes to `onDead` without another try.
 */
export function consumeStream<K extends SubjectKeyOf<'stream'>>(
  parts: BusParts,
  key: K,
  options: ConsumeOptions<K>,
): Consumption {
  const { link, names } = parts;
  const log = parts.log.child({ subject: key, durable: options.durable });
  const ackWaitMs = options.ackWaitMs ?? 30_000;
  const maxDeliver = options.maxDeliver ?? 5;
  const stream = subjects[key].stream;
  const stopping = new AbortController();
  const ready = Promise.withResolvers<void>();
  let consumer: { epoch: number; found: Promise<Consumer> } | undefined;
  /** Server time from which nothing may be missed. */
  let startTime: string | undefined;

  async function findConsumer(): Promise<Consumer> {
    const info = await link.whileConnected(() =>
      ensureConsumer(parts, {
        stream,
        durable: options.durable,
        filterSubject: names.filter(key, options.tokens ?? {}),
        ackWaitMs,
        startTime,
      }),
    );
    startTime ??= info.created;
    ready.resolve();
    return parts.js.consumers.getConsumerFromInfo(info);
  }

  /** All slots share one look for the consumer, a new one for each connection and after each failure. */
  function currentConsumer(): Promise<Consumer> {
    if (consumer?.epoch !== link.epoch) consumer = { epoch: link.epoch, found: findConsumer() };
    return consumer.found;
  }

  async function pull(from: Consumer): Promise<JsMsg | undefined> {
    const batch = await from.fetch({ max_messages: 1, expires: pullExpiresMs });
    const end = (): void => void batch.close();
    const off = link.onChange(end);
    stopping.signal.addEventListener('abort', end);
    if (stopping.signal.aborted || !link.connected) end();
    try {
      for await (const message of batch) return message;
      return undefined;
    } finally {
      off();
      stopping.signal.removeEventListener('abort', end);
    }
  }

  async function runSlot(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        await link.waitUntilConnected(stopping.signal);
        const epoch = link.epoch;
        const message = await pull(await currentConsumer());
        failures = 0;
        if (message !== undefined) await handle(message, epoch);
      } catch (thrown) {
        if (stopping.signal.aborted) return;
        consumer = undefined;
        const error = toBusError(thrown);
        if (error.code === 'unavailable') log.debug({ err: error }, 'no messages for now; trying again');
        else log.error({ err: error }, 'messages cannot be consumed; trying again');
        await abortableDelay(Math.min(100 * 2 ** failures, 5_000), stopping.signal);
        failures++;
      }
    }
  }

  async function handle(message: JsMsg, epoch: number): Promise<void> {
    /**
     * Acknowledgements name sequence numbers. A server that lost its state counts from one again, so one that is late
     * by a reconnect could remove a message that nobody has handled. Without it, the message comes again at worst.
     */
    const settle = (act: () => void): void => {
      if (link.connected && link.epoch === epoch) act();
    };
    if (stopping.signal.aborted) {
      settle(() => message.nak());
      return;
    }
    startTime = message.timestamp;
    const attempt = message.info.deliveryCount;
    const beat = setInterval(() => settle(() => message.working()), ackWaitMs / 3);
    try {
      await handleOnce(message, attempt, settle);
    } finally {
      clearInterval(beat);
    }
  }

  async function handleOnce(message: JsMsg, attempt: number, settle: (act: () => void) => void): Promise<void> {
    const tokens = names.tokens(key, message.subject);
    let envelope: Envelope<SubjectData<K>>;
    try {
      envelope = parts.codec.decode(key, message.data);
    } catch (error) {
      await giveUp(message, undefined, error, { tokens, attempt }, settle);
      return;
    }
    const { data, id, correlationId, time } = envelope;
    const context = { id, correlationId, time, tokens, attempt, ...messageTrace(message) };
    if (attempt > maxDeliver) {
      const error = new AppError('internal', `this message was handled ${maxDeliver} times and never finished`);
      await giveUp(message, data, error, context, settle);
      return;
    }
    try {
      await options.handler(data, { ...context, signal: stopping.signal });
    } catch (error) {
      const final = error instanceof AppError && error.retry === 'never';
      if (final || attempt >= maxDeliver) {
        await giveUp(message, data, error, context, settle);
        return;
      }
      log.warn({ err: error, request_id: correlationId, attempt }, 'a message was not handled; it comes again');
      settle(() => message.nak(redeliverAfterMs(error, attempt)));
      return;
    }
    settle(() => message.ack());
  }

  async function giveUp(
    message: JsMsg,
    data: SubjectData<K> | undefined,
    error: unknown,
    context: DeadContext,
    settle: (act: () => void) => void,
  ): Promise<void> {
    log.error({ err: error, request_id: context.correlationId, attempt: context.attempt }, 'a message is given up');
    try {
      await options.onDead(data, error, context);
    } catch (deadError) {
      log.error({ err: deadError, request_id: context.correlationId }, 'a dead letter was not taken; again soon');
      settle(() => message.nak(deadRetryMs));
      return;
    }
    settle(() => message.term(error instanceof AppError ? error.code : 'internal'));
  }

  const slots = Array.from({ length: options.concurrency ?? 1 }, () => runSlot());
  return {
    ready: ready.promise,
    async stop() {
      stopping.abort();
      ready.resolve();
      await Promise.all(slots);
    },
  };
}

function redeliverAfterMs(error: unknown, attempt: number): number {
  if (error instanceof AppError && typeof error.retry === 'object') return error.retry.afterMs;
  return Math.min(250 * 2 ** (attempt - 1), 30_000);
}
