import { JetStreamApiError } from '@nats-io/jetstream';
import type { SubjectData, SubjectKeyOf } from '../contracts/subjects.ts';
import type { BusParts } from './bus-parts.ts';
import type { PublishOptions } from './bus.ts';
import { isNoResponders, toBusError } from './bus-error.ts';
import { abortableDelay } from './nats-link.ts';
import { traceHeaders } from './trace-context.ts';

const acknowledgeTimeoutMs = 2_000;
const defaultWaitMs = 5_000;

/**
 * Publishes until JetStream has acknowledged, so possibly several times: the id makes repeats harmless.
 *
 * @throws AppError `unavailable` after `waitMs`, or at once where the stream is full; `too_large`, `internal`.
 */
export async function publishToStream<K extends SubjectKeyOf<'stream'>>(
  parts: BusParts,
  key: K,
  tokens: Readonly<Record<string, string>>,
  data: SubjectData<K>,
  options: PublishOptions,
): Promise<{ duplicate: boolean }> {
  const { link, js } = parts;
  const subject = parts.names.subject(key, tokens);
  const payload = parts.codec.encode(key, data, { id: options.id, correlationId: options.correlationId });
  const waitMs = options.waitMs ?? defaultWaitMs;
  const startedAt = performance.now();
  let deadline: AbortSignal | undefined;
  let declared = false;
  for (let delayMs = 50; ; delayMs = Math.min(delayMs * 2, 1_000)) {
    try {
      const ack = await link.whileConnected(() =>
        js.publish(subject, payload, {
          msgID: options.id,
          timeout: acknowledgeTimeoutMs,
          headers: traceHeaders(options.correlationId, options.id),
        }),
      );
      return { duplicate: ack.duplicate };
    } catch (thrown) {
      const error = toBusError(thrown);
      if (isNoResponders(thrown) && !declared) {
        // The server has lost its streams, and this call came before whoever declares them after a reconnect.
        declared = await areDeclared(parts);
        if (declared) continue;
      }
      if (error.code !== 'unavailable' || thrown instanceof JetStreamApiError) throw error;
      if (waitMs === 0) throw error;
      // Not before it is needed: almost every message is acknowledged at once.
      deadline ??= AbortSignal.timeout(Math.max(0, Math.round(waitMs - (performance.now() - startedAt))));
      if (deadline.aborted) throw error;
    }
    await link.waitUntilConnected(deadline);
    await abortableDelay(delayMs, deadline);
  }
}

/** False where NATS went away meanwhile, which the publisher waits out. @throws AppError `config`. */
async function areDeclared(parts: BusParts): Promise<boolean> {
  try {
    await parts.declareStreams();
    return true;
  } catch (thrown) {
    const error = toBusError(thrown);
    if (error.code !== 'unavailable') throw error;
    return false;
  }
}
