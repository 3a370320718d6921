import pino from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { createLiveBoard } from './live-board.ts';
import { createRequestFeed, type FeedFacts } from './request-feed.ts';

const requestId = 'request';

function feedOf() {
  const read = vi.fn<(id: string) => Promise<FeedFacts>>((id) =>
    Promise.resolve({ request: { id, state: 'working' }, jobs: [] }),
  );
  const feed = createRequestFeed<FeedFacts>({
    read,
    isOpen: () => true,
    maxOpen: 10,
    board: createLiveBoard(),
    log: pino({ enabled: false }),
  });
  return { feed, read };
}

describe('createRequestFeed', () => {
  it('reads once for the rings that come within a time, and at once for one that does not wait', async () => {
    vi.useFakeTimers();
    try {
      const { feed, read } = feedOf();
      feed.watch({ onChange() {} });
      feed.ring(requestId, 30);
      feed.ring(requestId, 30);
      expect(read).toHaveBeenCalledTimes(0);
      await vi.advanceTimersByTimeAsync(30);
      expect(read).toHaveBeenCalledTimes(1);
      feed.ring(requestId, 30);
      feed.ring(requestId);
      await vi.advanceTimersByTimeAsync(30);
      expect(read).toHaveBeenCalledTimes(2);
    } finally {
      vi.useRealTimers();
    }
  });

  it('hears rings again after some went by while nobody listened', async () => {
    vi.useFakeTimers();
    try {
      const { feed, read } = feedOf();
      const leave = feed.watch({ onChange() {} });
      feed.ring(requestId, 30);
      leave();
      await vi.advanceTimersByTimeAsync(30);
      expect(read).toHaveBeenCalledTimes(0);
      feed.watch({ onChange() {} });
      feed.ring(requestId, 30);
      await vi.advanceTimersByTimeAsync(30);
      expect(read).toHaveBeenCalledTimes(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it('reads again for a ring that comes just as a reading was told', async () => {
    const { feed, read } = feedOf();
    const toldTwice = Promise.withResolvers<void>();
    let told = 0;
    feed.watch({
      onChange() {
        told += 1;
        if (told === 1) queueMicrotask(() => feed.ring(requestId));
        else toldTwice.resolve();
      },
    });
    feed.ring(requestId);
    await toldTwice.promise;
    expect(read).toHaveBeenCalledTimes(2);
  });
});
