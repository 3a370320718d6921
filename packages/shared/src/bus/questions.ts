import type { Msg } from '@nats-io/nats-core';
import type { ServiceName, SubjectAnswer, SubjectData, SubjectKeyOf } from '../contracts/subjects.ts';
import { AppError } from '../errors/app-error.ts';
import type { BusParts } from './bus-parts.ts';
import type { AskOptions, MessageContext, Subscription } from './bus.ts';
import { toBusError } from './bus-error.ts';
import { abortableDelay } from './nats-link.ts';
import { createRunningHandlers } from './running-handlers.ts';
import { messageTrace, traceHeaders } from './trace-context.ts';

const defaultTimeoutMs = 2_000;

/** Asks on a control subject; see `Bus.ask`. A question on its way when the connection breaks fails at once. */
export async function ask<K extends SubjectKeyOf<'control'>>(
  parts: BusParts,
  key: K,
  tokens: Readonly<Record<string, string>>,
  data: SubjectData<K>,
  options: AskOptions = {},
): Promise<SubjectAnswer<K>> {
  const { link, codec } = parts;
  const subject = parts.names.subject(key, tokens);
  const { correlationId } = options;
  const payload = codec.encode(key, data, correlationId === undefined ? {} : { correlationId });
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const endsAt = performance.now() + timeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 1_000)) {
    const leftMs = Math.max(1, Math.ceil(endsAt - performance.now()));
    const reply = await attempt(leftMs);
    if (!(reply instanceof AppError)) return codec.decodeAnswer(key, reply.data);
    if (reply.code !== 'unavailable' || options.repeat !== true || deadline.aborted) throw reply;
    await link.waitUntilConnected(deadline);
    await abortableDelay(delayMs, deadline);
  }

  /** An AppError of the way there and back; one that the other side gave is inside the message. */
  async function attempt(leftMs: number): Promise<Msg | AppError> {
    try {
      return await link.whileConnected(() =>
        link.nc.request(subject, payload, {
          timeout: leftMs,
          ...(correlationId === undefined ? {} : { headers: traceHeaders(correlationId) }),
        }),
      );
    } catch (thrown) {
      const error = toBusError(thrown);
      if (error.code !== 'unavailable') return error;
      return new AppError('unavailable', `${key} was not answered`, { cause: thrown });
    }
  }
}

/** Answers on a control subject, as one of the instances of `service`; see `Bus.answer`. */
export function answer<K extends SubjectKeyOf<'control'>>(
  parts: BusParts,
  service: ServiceName,
  key: K,
  tokens: Readonly<Record<string, string | undefined>>,
  handler: (data: SubjectData<K>, context: MessageContext) => Promise<SubjectAnswer<K>>,
): Subscription {
  const log = parts.log.child({ subject: key });
  const running = createRunningHandlers();

  async function handle(message: Msg): Promise<void> {
    let correlationId: string | undefined;
    try {
      const question = parts.codec.decode(key, message.data);
      correlationId = question.correlationId;
      const { data, id, time } = question;
      const named = parts.names.tokens(key, message.subject);
      const context = { id, correlationId, time, tokens: named, ...messageTrace(message) };
      message.respond(parts.codec.encodeAnswer(key, await handler(data, context), correlationId));
    } catch (error) {
      if (error instanceof AppError && error.code !== 'internal') log.debug({ err: error }, 'a question was refused');
      else log.error({ err: error, request_id: correlationId }, 'a question was not answered');
      refuse(message, error, correlationId);
    }
  }

  function refuse(message: Msg, error: unknown, correlationId: string | undefined): void {
    try {
      message.respond(parts.codec.encodeFailure(toPassable(error), correlationId));
    } catch (sendError) {
      log.debug({ err: sendError }, 'an answer was not sent: its asker runs into its time limit');
    }
  }

  const subscription = parts.link.nc.subscribe(parts.names.filter(key, tokens), {
    queue: service,
    callback(error, message) {
      if (error !== null) {
        log.error({ err: error }, 'NATS refuses this subscription');
        return;
      }
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

/** What NATS refused to carry, told as such; all else as it is. */
function toPassable(error: unknown): unknown {
  const converted = toBusError(error);
  return converted.code === 'internal' ? error : converted;
}
