import { describe, expect, it } from 'vitest';
import { defaultPickRules } from '@atelier/queue/pick-job';
import { queuedJobOf, snapshotOf } from '@atelier/shared/db/testing/snapshot-fixtures';
import { chooseJob, type Choice } from './choose-job.ts';
import { createQueueView } from './queue-view.ts';

const chooser = { instanceId: 'gpu0', classes: new Set(['KSampler']) };

function viewOf() {
  let now = 0;
  let reads = 0;
  const queued = [queuedJobOf('j1', 'mei'), queuedJobOf('j2', 'mei'), queuedJobOf('j3', 'ana')];
  const view = createQueueView({
    read: () => {
      reads += 1;
      return Promise.resolve(snapshotOf({ queued }));
    },
    instanceId: 'gpu0',
    maxAgeMs: 100,
    now: () => now,
  });
  const pick = async (): Promise<Choice | undefined> =>
    chooseJob((await view.look()).snapshot, chooser, { ...defaultPickRules, stickySeconds: 0 });
  return { view, pick, reads: () => reads, pass: (ms: number) => (now += ms) };
}

describe('createQueueView', () => {
  it('serves several picks from one reading, each as if the queue had been read again', async () => {
    const { view, pick, reads } = viewOf();
    const order: (string | undefined)[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const choice = await pick();
      order.push(choice?.pick.job.id);
      if (choice !== undefined) view.picked(choice);
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
    pass(101);
    expect((await view.look()).isFresh).toBe(true);
    view.forget();
    await view.look();
    expect(reads()).toBe(3);
  });
});
