import { errors } from '@nats-io/nats-core';
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { AppError } from '../errors/app-error.ts';

/** Error codes of the JetStream API (nats-server `server/errors.json`). */
const apiCode = {
  consumerNotFound: 10014,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  consumerExists: 10148,
} as const;

const hasApiCode = (thrown: unknown, code: number): boolean =>
  thrown instanceof JetStreamApiError && thrown.code === code;

export const isStreamNotFound = (thrown: unknown): boolean => hasApiCode(thrown, apiCode.streamNotFound);
export const isConsumerNotFound = (thrown: unknown): boolean => hasApiCode(thrown, apiCode.consumerNotFound);
/** Somebody else has just created it, with other settings. */
export const isStreamNameInUse = (thrown: unknown): boolean => hasApiCode(thrown, apiCode.streamNameInUse);
export const isConsumerExists = (thrown: unknown): boolean => hasApiCode(thrown, apiCode.consumerExists);

/** Nobody listens on the subject: no stream keeps it, or no service answers it. */
export function isNoResponders(thrown: unknown): boolean {
  if (thrown instanceof errors.RequestError) return thrown.isNoResponders();
  if (thrown instanceof errors.NoRespondersError) return true;
  // The JetStream client says "not enabled" and keeps the reason as the cause.
  return thrown instanceof Error && thrown.cause instanceof errors.RequestError && thrown.cause.isNoResponders();
}

/**
 * What the NATS client threw, told apart: `unavailable` (nothing is known to have happened; the same may succeed later),
 * `too_large` (over the server's max_payload), `config` (refused for good), `internal` (our bug).
 */
export function toBusError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof errors.AuthorizationError || thrown instanceof errors.UserAuthenticationExpiredError) {
    return new AppError('config', 'NATS refuses this user, password or token: check NATS_URL');
  }
  if (thrown instanceof errors.PermissionViolationError) {
    return new AppError('config', `NATS does not permit ${thrown.operation} on ${thrown.subject}`, { cause: thrown });
  }
  if (thrown instanceof errors.InvalidArgumentError && thrown.message.includes('max_payload')) {
    return new AppError('too_large', "a message is larger than the NATS server's max_payload", { cause: thrown });
  }
  if (thrown instanceof JetStreamApiError) {
    // 503 is a server that is short of something for now (a leader, memory, room in the stream).
    const passing = thrown.status === 503;
    return new AppError(passing ? 'unavailable' : 'config', `JetStream refuses: ${thrown.message}`, {
      cause: thrown,
      details: { apiCode: thrown.code },
    });
  }
  if (isNoResponders(thrown)) return new AppError('unavailable', 'nobody answers on NATS', { cause: thrown });
  if (
    thrown instanceof errors.TimeoutError ||
    thrown instanceof errors.RequestError ||
    thrown instanceof errors.ClosedConnectionError ||
    thrown instanceof errors.DrainingConnectionError ||
    thrown instanceof errors.ConnectionError ||
    thrown instanceof JetStreamError ||
    isSocketError(thrown)
  ) {
    return new AppError('unavailable', 'NATS is away', { cause: thrown });
  }
  return new AppError('internal', 'a NATS call failed', { cause: thrown });
}

function isSocketError(thrown: unknown): boolean {
  return (
    thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' && /^E[A-Z_]+$/.test(thrown.code)
  );
}
