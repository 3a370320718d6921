import { describe, expect, it } from 'vitest';
import { defaultPickRules } from '@atelier/queue/pick-job';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { queuedJobOf, snapshotOf } from '@atelier/shared/db/testing/snapshot-fixtures';
import { chooseJobs, type Choices } from './choose-job.ts';
import { createQueueView } from './queue-view.ts';

const chooser = { instanceId: 'gpu0', classes: new Set(['KSampler']) };
const measured = [{ estimateKey: 'sdxl', gpuSeconds: 4, runs: 3 }];

function viewOf(changes: Partial<QueueSnapshot> = {}) {
  let now = 0;
  let reads = 0;
  const queued = [queuedJobOf('j1', 'mei'), queuedJobOf('j2', 'mei'), queuedJobOf('j3', 'ana')];
  const view = createQueueView({
    read: () => {
      reads += 1;
      return Promise.resolve(snapshotOf({ queued, measured, ...changes }));
    },
    maxAgeMs: 500,
    maxAgeOutdatedMs: 50,
    maxAgeUnmeasuredMs: 100,
    now: () => now,
  });
  const choose = async (): Promise<Choices> =>
    chooseJobs((await view.look()).snapshot, chooser, { ...defaultPickRules, stickySeconds: 0 }, () => false);
  return { view, choose, reads: () => reads, pass: (ms: number) => (now += ms) };
}

describe('createQueueView', () => {
  it('serves several picks from one reading, each as if the queue had been read again', async () => {
    const { view, choose, reads } = viewOf();
    const order: (string | undefined)[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const { choices, after } = await choose();
      order.push(choices[0]?.pick.job.id);
      view.picked(after);
    }
    // Mei was charged for the first, so Ana is next.
    expect(order).toEqual(['j1', 'j3', 'j2']);
    const { snapshot, isFresh } = await view.look();
    expect([reads(), isFresh, snapshot.version]).toEqual([1, false, 4]);
    expect(snapshot.active.map(({ id, instanceId }) => [id, instanceId])).toEqual([
      ['j1', 'gpu0'],
      ['j3', 'gpu0'],
      ['j2', 'gpu0'],
    ]);
  });

  it('reads anew when it is old, and when it is told to', async () => {
    const { view, reads, pass } = viewOf();
    expect((await view.look()).isFresh).toBe(true);
    pass(501);
    expect((await view.look()).isFresh).toBe(true);
    view.forget();
    await view.look();
    expect(reads()).toBe(3);
  });

  it('serves little longer once something was queued, and not at all where it has served that long', async () => {
    const { view, reads, pass } = viewOf();
    await view.look();
    view.outdate();
    pass(50);
    expect((await view.look()).isFresh).toBe(false);
    pass(1);
    expect((await view.look()).isFresh).toBe(true);
    pass(51);
    view.outdate();
    expect((await view.look()).isFresh).toBe(true);
    expect(reads()).toBe(3);
  });

  it('serves one pick a reading while another worker picks too', async () => {
    const { view, choose, reads, pass } = viewOf();
    const pickOne = async (): Promise<void> => view.picked((await choose()).after);
    await pickOne();
    view.overtaken();
    await pickOne();
    await pickOne();
    expect(reads()).toBe(3);
    pass(500);
    await pickOne();
    await pickOne();
    expect(reads()).toBe(4);
  });

  it('is old soon while nobody knows what a job in it takes', async () => {
    const { view, pass } = viewOf({ measured: [] });
    await view.look();
    pass(101);
    expect((await view.look()).isFresh).toBe(true);
  });
});
