import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { InboxItem } from '@atelier/shared/db/inbox';
import { TelegramFailure } from '../api/telegram-failure.ts';
import { pollUpdates } from './poll-updates.ts';

type Answer = { updates: object[] } | { failure: TelegramFailure };

/** Polls through the given answers and stops when they are used up. */
async function poll(answers: Answer[], takeIn: (items: InboxItem[]) => Promise<void>) {
  const stopping = new AbortController();
  const seen = { offsets: [] as (number | undefined)[], taken: 0, pauses: [] as number[] };
  const left = [...answers];
  await pollUpdates({
    calls: {
      getUpdates(offset) {
        seen.offsets.push(offset);
        const answer = left.shift();
        if (answer === undefined) stopping.abort();
        if (answer !== undefined && 'failure' in answer) return Promise.reject(answer.failure);
        return Promise.resolve(answer?.updates ?? []);
      },
    },
    takeIn,
    onTaken: (updates) => {
      seen.taken += updates.length;
    },
    pause: (ms) => {
      seen.pauses.push(ms);
      return Promise.resolve();
    },
    signal: stopping.signal,
    log: pino({ level: 'silent' }),
  });
  return seen;
}

describe('pollUpdates', () => {
  it('tells Telegram to forget only what was committed', async () => {
    const batches: string[][] = [];
    const seen = await poll([{ updates: [{ update_id: 7 }, { update_id: 8 }] }, { updates: [] }], async (items) => {
      if (items.length > 0) batches.push(items.map(({ key }) => key));
    });
    expect(batches).toEqual([['7', '8']]);
    expect(seen.offsets).toEqual([undefined, 9, 9]);
    expect(seen.taken).toBe(2);
    // A server that does not wait is not asked in a circle.
    expect(seen.pauses).toEqual([250]);
  });

  it('asks for the same again while nothing can be committed', async () => {
    const batch = { updates: [{ update_id: 7 }] };
    let tries = 0;
    const seen = await poll([batch, batch], async (items) => {
      tries += 1;
      if (items.length > 0 && tries === 1) throw new Error('Postgres is away');
    });
    expect(seen.offsets).toEqual([undefined, undefined, 8]);
    expect(seen.taken).toBe(1);
    expect(seen.pauses).toHaveLength(1);
  });

  it('waits as long as Telegram asks', async () => {
    const failure = new TelegramFailure('rate_limited', 'getUpdates', 'Too Many Requests', { afterMs: 9_000 });
    expect((await poll([{ failure }], async () => undefined)).pauses).toEqual([9_000]);
  });

  it('stores what Postgres cannot store as a mark, so that it blocks nothing', async () => {
    const taken: InboxItem[] = [];
    await poll([{ updates: [{ update_id: 7, text: 'a\u0000b\ud800' }] }], async (items) => {
      taken.push(...items);
    });
    expect(taken).toEqual([{ key: '7', payload: { update_id: 7, text: 'a\uFFFDb\uFFFD' } }]);
  });
});
