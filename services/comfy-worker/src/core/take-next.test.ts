import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { defaultPickRules } from '@atelier/queue/pick-job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { queuedJobOf, snapshotOf } from '@atelier/shared/db/testing/snapshot-fixtures';
import type { JobStore } from '../ports.ts';
import { createPromptLine } from './prompt-line.ts';
import { createQueueView } from './queue-view.ts';
import { takeNext } from './take-next.ts';

type Picks = Parameters<JobStore['pick']>[2];

const instance = {
  instanceId: 'gpu0',
  holder: 'h',
  epoch: 1,
  clientId: 'c',
  paused: false,
  released: false,
};

/** A worker before a queue of one kind, of which each run took `gpuSeconds`; `take` says which picks are made. */
function before(gpuSeconds: number | undefined, take: (picks: Picks) => Picks = (picks) => picks) {
  const queued = Array.from({ length: 24 }, (_, at) => queuedJobOf(`j${at}`, at % 2 === 0 ? 'mei' : 'ana'));
  const measured = gpuSeconds === undefined ? [] : [{ estimateKey: 'sdxl', gpuSeconds, runs: 3 }];
  const made: { version: number; jobIds: string[] }[] = [];
  let reads = 0;
  const line = createPromptLine({
    depth: 2,
    prepareAheadMs: 10_000,
    postAheadMs: 3_000,
    now: () => 0,
    onChange: () => {},
  });
  const store = {
    pick: (_: unknown, version: number, picks: Picks) => {
      made.push({ version, jobIds: picks.map(({ jobId }) => jobId) });
      return Promise.resolve(take(picks).map(({ jobId }) => ({ id: jobId, epoch: 1 }) as JobRecord));
    },
    adopt: () => Promise.resolve([]),
    read: () => Promise.resolve(undefined),
  };
  const pick = () =>
    takeNext({
      store,
      line,
      queue: createQueueView({
        read: () => Promise.resolve(snapshotOf({ version: ++reads, queued, measured })),
        maxAgeMs: 100,
        maxAgeOutdatedMs: 100,
        maxAgeUnmeasuredMs: 100,
        now: () => 0,
      }),
      tenure: { instance, signal: new AbortController().signal, validForMs: () => 5_000, end: () => {} },
      timings: { postMarginMs: 2_000 },
      rules: { ...defaultPickRules, stickySeconds: 0 },
      classes: () => new Set(['KSampler']),
      models: () => new Set(),
      log: pino({ level: 'silent' }),
    });
  return { pick, made };
}

async function pickedIds(pick: ReturnType<typeof before>['pick']): Promise<string[]> {
  const picked = await pick();
  return typeof picked === 'string' ? [picked] : picked.map(({ job }) => job.id);
}

describe('takeNext', () => {
  it('takes one job where each takes a while', async () => {
    const { pick, made } = before(20);
    expect(await pickedIds(pick)).toEqual(['j0']);
    expect(made).toEqual([{ version: 1, jobIds: ['j0'] }]);
  });

  it('takes several in one statement where they are over in no time, each by its turn', async () => {
    const { pick, made } = before(0.004);
    const ids = await pickedIds(pick);
    // What one was charged for lets the other go first.
    expect(ids).toEqual(Array.from({ length: ids.length }, (_, at) => `j${at}`));
    expect(ids).toHaveLength(15);
    expect(made).toHaveLength(1);
  });

  it('hands on what was taken when some were not, and what each is expected to take', async () => {
    const { pick } = before(0.004, (picks) => picks.slice(1, 3));
    expect(await pick()).toMatchObject([
      { job: { id: 'j1' }, unsent: true, expectedMs: 4 },
      { job: { id: 'j2' }, unsent: true, expectedMs: 4 },
    ]);
  });

  it('looks again and takes one, for whose row it waits, where nothing was taken', async () => {
    let refused = 0;
    const { pick, made } = before(0.004, (picks) => (refused++ === 0 ? [] : picks));
    expect(await pickedIds(pick)).toEqual(['j0']);
    expect(made.map(({ version, jobIds }) => [version, jobIds.length])).toEqual([
      [1, 15],
      [2, 1],
    ]);
  });
});
