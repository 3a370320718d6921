import type { WebhookResult } from '@atelier/shared/db/gateway/webhook-store';

/** Waits before the second, third, … try: about 31 hours in all, then the message is dead. */
export const webhookDelaysMs: readonly number[] = [
  5_000, 30_000, 120_000, 600_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000, 36_000_000,
];
const maxDelayMs = 24 * 3_600_000;

export type WebhookTry =
  | { answered: true; status: number; retryAfterMs: number | undefined }
  | { answered: false; error: string };

/**
 * What follows from a try. 2xx is success, 410 is never again, all else is tried again later; a receiver's `Retry-After` counts
 * where it is longer.
 *
 * @param attempt 1 for the first.
 * @param jitter 0 to 1: receivers that come back are not met by everything at once.
 * @param scale divides the waits, for tests.
 */
export function decideWebhook(outcome: WebhookTry, attempt: number, jitter: number, scale = 1): WebhookResult {
  if (outcome.answered && outcome.status >= 200 && outcome.status < 300)
    return { state: 'sent', status: outcome.status };
  const status = outcome.answered ? outcome.status : undefined;
  const error = outcome.answered ? `answered ${outcome.status}` : outcome.error;
  const delayMs = webhookDelaysMs[attempt - 1];
  if (status === 410 || delayMs === undefined) return { state: 'dead', status, error };
  const asked = outcome.answered ? Math.min(outcome.retryAfterMs ?? 0, maxDelayMs) : 0;
  const afterMs = Math.round((Math.max(delayMs, asked) * (1 + 0.2 * jitter)) / scale);
  return { state: 'pending', status, error, afterMs };
}
