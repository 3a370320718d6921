import { APIConnectionError, APIError, APIUserAbortError, AnthropicError } from '@anthropic-ai/sdk';
import type { LocalText } from '../core/words-plan.ts';

/** Why no answer of the model can be used. */
export type ClaudeFailureReason =
  /** A limit that passes. */
  | 'rate_limited'
  /** A limit of money: it stays until somebody raises it. */
  | 'spend_cap'
  | 'overloaded'
  /** No connection, a broken one, or no answer in time. */
  | 'unreachable'
  /** The model declined. */
  | 'declined'
  /** An answer that is not what was asked for. */
  | 'malformed'
  /** Key, model or address are refused. */
  | 'misconfigured';

export interface ClaudeFailure {
  reason: ClaudeFailureReason;
  /** Whether the same may succeed: at once with back-off, after this time, or never. */
  retry: 'never' | 'backoff' | { afterMs: number };
  cause: unknown;
}

/** An answer arrived and is of no use. */
export class UnusableAnswer extends Error {
  override readonly name = 'UnusableAnswer';
  readonly reason: 'declined' | 'malformed';

  constructor(reason: 'declined' | 'malformed', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
  }
}

/**
 * Tells apart what the SDK threw. A 429 without `retry-after`, a 402 and the API's spend limit codes are limits of money:
 * asking again costs time and cannot help.
 */
export function toClaudeFailure(thrown: unknown, now: number): ClaudeFailure {
  const failure = (reason: ClaudeFailureReason, retry: ClaudeFailure['retry']): ClaudeFailure => ({
    reason,
    retry,
    cause: thrown,
  });
  if (thrown instanceof UnusableAnswer) {
    return failure(thrown.reason, thrown.reason === 'malformed' ? 'backoff' : 'never');
  }
  if (thrown instanceof APIConnectionError || thrown instanceof APIUserAbortError) {
    return failure('unreachable', 'backoff');
  }
  if (thrown instanceof APIError) return httpFailure(thrown, now, failure);
  // What else the SDK throws comes from a stream that broke or does not parse.
  if (thrown instanceof AnthropicError || isNetworkError(thrown)) return failure('unreachable', 'backoff');
  return failure('malformed', 'never');
}

function httpFailure(
  error: APIError,
  now: number,
  failure: (reason: ClaudeFailureReason, retry: ClaudeFailure['retry']) => ClaudeFailure,
): ClaudeFailure {
  const { status, type } = error;
  if (error.errorCode?.includes('spend_limit') === true || type === 'billing_error' || status === 402) {
    return failure('spend_cap', 'never');
  }
  if (status === 429 || type === 'rate_limit_error') {
    const afterMs = retryAfterMs(error.headers, now);
    return afterMs === undefined ? failure('spend_cap', 'never') : failure('rate_limited', { afterMs });
  }
  if (status === 529 || type === 'overloaded_error') return failure('overloaded', retryAfter(error.headers, now));
  // An error inside a stream has no status.
  if (status === undefined || status >= 500 || status === 408 || status === 409) {
    return failure('unreachable', retryAfter(error.headers, now));
  }
  return failure('misconfigured', 'never');
}

function retryAfter(headers: Headers | undefined, now: number): ClaudeFailure['retry'] {
  const afterMs = retryAfterMs(headers, now);
  return afterMs === undefined ? 'backoff' : { afterMs };
}

/** `retry-after-ms`, or `retry-after` in seconds or as a date (RFC 9110 §10.2.3). */
function retryAfterMs(headers: Headers | undefined, now: number): number | undefined {
  const exact = Number(headers?.get('retry-after-ms') ?? Number.NaN);
  if (Number.isFinite(exact)) return Math.max(0, exact);
  const value = headers?.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  const seconds = Number(value);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

function isNetworkError(thrown: unknown): boolean {
  return thrown instanceof TypeError || (thrown instanceof Error && 'code' in thrown);
}

/** Why the model gave nothing, as the beginning of a sentence. */
export const FAILURE_WORDS: Readonly<Record<ClaudeFailureReason, LocalText>> = {
  rate_limited: { en: 'The language model is busy', zh: '语言模型繁忙' },
  spend_cap: { en: "The language model's spending limit is reached", zh: '语言模型的费用额度已用完' },
  overloaded: { en: 'The language model is overloaded', zh: '语言模型过载' },
  unreachable: { en: 'The language model did not answer', zh: '语言模型没有响应' },
  declined: { en: 'The language model declined to answer', zh: '语言模型拒绝了回答' },
  malformed: { en: 'The language model gave no usable answer', zh: '语言模型没有给出可用的回答' },
  misconfigured: { en: 'The language model is not set up correctly', zh: '语言模型配置有误' },
};
