import { describe, expect, it } from 'vitest';
import { decideWebhook, webhookDelaysMs } from './decide-webhook.ts';

const answered = (status: number, retryAfterMs?: number) => ({ answered: true as const, status, retryAfterMs });

describe('after a try', () => {
  it('success is the end, and so is 410', () => {
    expect(decideWebhook(answered(204), 3, 0)).toEqual({ state: 'sent', status: 204 });
    expect(decideWebhook(answered(410), 1, 0)).toMatchObject({ state: 'dead', status: 410 });
  });

  it('anything else waits longer each time, and ends dead after more than a day', () => {
    let total = 0;
    for (const [index, delay] of webhookDelaysMs.entries()) {
      const result = decideWebhook({ answered: false, error: 'ECONNREFUSED' }, index + 1, 0.5);
      expect(result).toMatchObject({ state: 'pending', error: 'ECONNREFUSED', afterMs: Math.round(delay * 1.1) });
      total += delay;
    }
    expect(total).toBeGreaterThan(24 * 3_600_000);
    expect(decideWebhook(answered(500), webhookDelaysMs.length + 1, 0)).toMatchObject({
      state: 'dead',
      error: 'answered 500',
    });
  });

  it('a receiver may ask for more time, up to a day', () => {
    expect(decideWebhook(answered(429, 3_600_000), 1, 0)).toMatchObject({ afterMs: 3_600_000 });
    expect(decideWebhook(answered(503, 10 ** 12), 1, 0)).toMatchObject({ afterMs: 24 * 3_600_000 });
  });
});
