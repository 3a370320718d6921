import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { JobFacts } from '../core/jobs/to-job-view.ts';
import { createJobFeed } from './job-feed.ts';
import { createLiveBoard } from '@atelier/shared/live/live-board';

const log = pino({ level: 'silent' });
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Rows that change by hand, and a feed over them. */
function setUp(doorbells = true) {
  const rows = new Map<string, number>();
  const heard: string[] = [];
  let reads = 0;
  let failures = 0;
  const factsOf = (id: string): JobFacts =>
    ({ request: { id, version: rows.get(id) ?? 0, finishedAt: null }, jobs: [] }) as unknown as JobFacts;
  const feed = createJobFeed({
    log,
    board: createLiveBoard(),
    async readFacts(id) {
      reads += 1;
      if (failures-- > 0) throw new Error('away');
      return factsOf(id);
    },
    readVersions: async () => rows,
  });
  const release = feed.watch({
    onChange: ({ request }) => heard.push(`${request.id} ${request.version}`),
    onProgress: () => undefined,
    onPreview: () => undefined,
  });
  return {
    feed,
    heard,
    release,
    reads: () => reads,
    fail: (times: number) => (failures = times),
    async change(id: string) {
      rows.set(id, (rows.get(id) ?? 0) + 1);
      if (doorbells) feed.ring(id);
      await settle();
    },
  };
}

describe('the feed of jobs', () => {
  it('reads once for a burst of rings, and once more for what came meanwhile', async () => {
    const { feed, heard, reads, change } = setUp();
    await change('a');
    for (let ring = 0; ring < 20; ring++) feed.ring('a');
    await settle();
    expect([reads(), heard.at(-1)]).toEqual([3, 'a 1']);
  });

  it('finds out what rang for nobody, once', async () => {
    const { feed, heard, reads, change } = setUp(false);
    await change('a');
    await change('b');
    expect(heard).toEqual([]);
    for (let look = 0; look < 3; look++) await feed.reconcile();
    await settle();
    await feed.reconcile();
    expect(heard.toSorted()).toEqual(['a 1', 'b 1']);
    expect(reads()).toBe(2);
  });

  it('reads again what could not be read', async () => {
    const { feed, heard, fail, change } = setUp();
    fail(1);
    await change('a');
    expect(heard).toEqual([]);
    await feed.reconcile();
    await settle();
    expect(heard).toEqual(['a 1']);
  });

  it('reads nothing while nobody listens', async () => {
    const { feed, reads, release, change } = setUp();
    release();
    await change('a');
    await feed.reconcile();
    expect(reads()).toBe(0);
  });
});
