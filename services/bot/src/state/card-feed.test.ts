import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endedAt, jobRecord, requestRecord } from '@atelier/shared/db/testing/record-fixtures';
import type { CardFacts } from '../core/cards/card-facts.ts';
import { createCardFeed } from './card-feed.ts';
import type { CardReader } from './card-reader.ts';
import { createLiveBoard } from '@atelier/shared/live/live-board';

const log = pino({ level: 'silent' });
const working = requestRecord({ state: 'working', version: 2 });
const requestId = working.id;

/** A reader whose answers are given by hand. */
function handReader() {
  const asked: PromiseWithResolvers<CardFacts[]>[] = [];
  const reader: CardReader = {
    readFacts() {
      const answer = Promise.withResolvers<CardFacts[]>();
      asked.push(answer);
      return answer.promise;
    },
    readTimeline: async () => [],
  };
  return { asked, reader };
}

const facts = (overrides: Partial<CardFacts> = {}): CardFacts => ({
  request: working,
  jobs: [jobRecord(0, { state: 'running' })],
  delivered: false,
  ...overrides,
});
const settle = () => new Promise((resolve) => setImmediate(resolve));

function setUp() {
  const { asked, reader } = handReader();
  const board = createLiveBoard();
  const feed = createCardFeed({ reader, board, log });
  const seen: CardFacts[] = [];
  const progress: number[] = [];
  const release = feed.watch({
    doors: ['web'],
    onChange: (one) => seen.push(one),
    onProgress: (_one, message) => progress.push(message.fraction),
  });
  const answer = async (index: number, ...given: CardFacts[]) => {
    asked[index]?.resolve(given);
    await settle();
  };
  return { feed, board, asked, seen, progress, release, answer };
}

afterEach(() => {
  vi.useRealTimers();
});

describe('the card feed', () => {
  it('reads once for a burst, and once more for what came meanwhile', async () => {
    const { feed, asked, seen, answer } = setUp();
    for (let ring = 0; ring < 10; ring++) feed.ring(requestId);
    expect(asked).toHaveLength(1);
    await answer(0, facts());
    expect(asked).toHaveLength(2);
    const last = facts({ request: { ...working, version: 3 } });
    await answer(1, last);
    expect(asked).toHaveLength(2);
    expect(seen.at(-1)).toBe(last);
  });

  it('waits for what else comes where there is time, and not once there is none', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { feed, asked, answer } = setUp();
    for (let ring = 0; ring < 3; ring++) feed.ring(requestId, 30);
    vi.advanceTimersByTime(29);
    expect(asked).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(asked).toHaveLength(1);
    await answer(0, facts());
    feed.ring(requestId, 30);
    feed.ring(requestId);
    expect(asked).toHaveLength(2);
    await answer(1, facts());
    vi.advanceTimersByTime(30);
    expect(asked).toHaveLength(2);
  });

  it('reads again after a failure', async () => {
    const { feed, asked, seen, answer } = setUp();
    feed.ring(requestId);
    asked[0]?.reject(new Error('away'));
    await settle();
    feed.ring(requestId);
    await answer(1, facts());
    expect(seen).toHaveLength(1);
  });

  it('reads nothing while nobody looks', () => {
    const { feed, asked, release } = setUp();
    release();
    feed.ring(requestId);
    expect(asked).toHaveLength(0);
  });

  it('passes progress on, and asks about a job whose start it has not heard of', async () => {
    const { feed, asked, progress, answer } = setUp();
    const message = { jobId: jobRecord(0).id, requestId, fraction: 0.2, elapsedMs: 1 };
    feed.takeProgress(message);
    await answer(0, facts({ jobs: [jobRecord(0, { state: 'posted' })] }));
    feed.takeProgress({ ...message, fraction: 0.4 });
    expect(progress).toEqual([0.4]);
    expect(asked).toHaveLength(2);
    await answer(1, facts());
    feed.takeProgress({ ...message, fraction: 0.6 });
    expect(progress).toEqual([0.4, 0.6]);
    expect(asked).toHaveLength(2);
  });

  it('forgets the progress of what has ended', async () => {
    const { feed, board, answer } = setUp();
    feed.takeProgress({ jobId: jobRecord(0).id, requestId, fraction: 0.2, elapsedMs: 1 });
    expect(board.progress.size).toBe(1);
    await answer(0, facts({ jobs: [jobRecord(0, { state: 'succeeded', finishedAt: endedAt })] }));
    expect(board.progress.size).toBe(0);
  });

  it('finds out about lost doorbells: a newer version, an end, a delivery by somebody else', async () => {
    const { feed, asked, answer } = setUp();
    feed.ring(requestId);
    await answer(0, facts());
    feed.reconcile([working]);
    expect(asked).toHaveLength(1);
    feed.reconcile([{ ...working, version: 5 }]);
    expect(asked).toHaveLength(2);
    const ended = requestRecord({ state: 'succeeded', version: 6, finishedAt: endedAt });
    await answer(1, facts({ request: ended }));
    expect(feed.hasOpen).toBe(true);
    feed.reconcile([]);
    await answer(2, facts({ request: ended, delivered: true }));
    expect(feed.hasOpen).toBe(false);
  });

  it('tells only who watches that door', async () => {
    const { feed, seen, answer } = setUp();
    feed.ring(requestId);
    await answer(0, facts({ request: { ...working, door: 'discord' } }));
    expect(seen).toEqual([]);
  });
});
