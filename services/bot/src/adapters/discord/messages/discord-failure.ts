import { DiscordAPIError, HTTPError, RateLimitError } from 'discord.js';
import { AppError } from '@atelier/shared/errors/app-error';

/**
 * Why Discord did not do what it was asked. Codes: https://discord.com/developers/docs/topics/opcodes-and-status-codes
 */
export type FailureKind =
  /** The message is no longer there. */
  | 'message_gone'
  /** The channel, the server or the person is gone or closed to us. */
  | 'place_closed'
  /** Messages over an hour old may be edited only so often. */
  | 'edited_too_often'
  /** The interaction was not answered in time, or its 15 minutes are over. */
  | 'token_expired'
  /** The interaction has its first answer. */
  | 'already_answered'
  | 'too_large'
  | 'rate_limited'
  /** Wrong or withdrawn bot token. */
  | 'unauthorized'
  /** Discord does not accept what we sent: our bug. */
  | 'refused'
  /** Away, broken or too slow: it may have happened. */
  | 'unreachable';

const kindOfCode: Record<string, FailureKind> = {
  10003: 'place_closed',
  10004: 'place_closed',
  10008: 'message_gone',
  10013: 'place_closed',
  10015: 'token_expired',
  10062: 'token_expired',
  // Somebody else answered it, or an answer was lost on its way here.
  40060: 'already_answered',
  30046: 'edited_too_often',
  40005: 'too_large',
  50001: 'place_closed',
  50007: 'place_closed',
  50013: 'place_closed',
  50027: 'token_expired',
  50278: 'place_closed',
};

/** Discord's answer without its address, which may contain an interaction's token. */
export class DiscordFailure extends AppError {
  readonly kind: FailureKind;
  /** Of `rate_limited`. */
  readonly afterMs: number;

  constructor(kind: FailureKind, message: string, details: Record<string, unknown> = {}, afterMs = 0) {
    super(kind === 'rate_limited' ? 'rate_limited' : 'unavailable', `Discord: ${message}`, { details });
    this.kind = kind;
    this.afterMs = afterMs;
  }
}

export function toDiscordFailure(thrown: unknown): DiscordFailure {
  if (thrown instanceof DiscordFailure) return thrown;
  if (thrown instanceof RateLimitError) {
    const afterMs = Math.max(thrown.timeToReset, thrown.retryAfter, thrown.sublimitTimeout);
    return new DiscordFailure('rate_limited', 'wait before the next call', { method: thrown.method }, afterMs);
  }
  if (thrown instanceof DiscordAPIError) {
    const { code, status, method } = thrown;
    const byStatus = status === 401 ? 'unauthorized' : status === 413 ? 'too_large' : 'refused';
    return new DiscordFailure(kindOfCode[code] ?? byStatus, thrown.message, { code, status, method });
  }
  if (thrown instanceof HTTPError) {
    return new DiscordFailure('unreachable', `status ${thrown.status}`, { status: thrown.status });
  }
  const message = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : 'no answer';
  // The library forgets a token that was refused once.
  if (message.includes('Expected token to be set')) return new DiscordFailure('unauthorized', 'the token was refused');
  return new DiscordFailure('unreachable', message);
}

export function isFailure(thrown: unknown, ...kinds: FailureKind[]): thrown is DiscordFailure {
  return thrown instanceof DiscordFailure && kinds.includes(thrown.kind);
}
