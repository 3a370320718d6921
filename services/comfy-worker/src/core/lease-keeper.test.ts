import { describe, expect, it } from 'vitest';
import type { AcquiredInstance } from '@atelier/shared/db/instances/instance-store';
import type { Clock } from '../ports.ts';
import { takeTenure, type LeaseKeeperOptions, type LeaseStore } from './lease-keeper.ts';

/** A clock that is turned by hand: sleepers wake, in order, as `advance` passes their time. */
function createHandClock(): Clock & { advance(ms: number): Promise<void> } {
  let now = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.throwIfAborted();
        signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
        sleepers.push({ at: now + ms, wake: resolve });
      }),
    async advance(ms) {
      const target = now + ms;
      for (;;) {
        await settle();
        const next = sleepers.filter((sleeper) => sleeper.at <= target).sort((a, b) => a.at - b.at)[0];
        if (next === undefined) break;
        sleepers.splice(sleepers.indexOf(next), 1);
        now = next.at;
        next.wake();
      }
      now = target;
      await settle();
    },
  };
}

const instance: AcquiredInstance = {
  instanceId: 'gpu0',
  holder: 'h',
  epoch: 3,
  clientId: 'c',
  paused: false,
  released: false,
};

function options(store: LeaseStore, clock: Clock, waits: string[] = []): LeaseKeeperOptions {
  return {
    store,
    clock,
    leaseMs: 7_000,
    beatMs: 1_000,
    acquireMs: 500,
    onBeat: () => {},
    onWait: (reason) => waits.push(reason),
  };
}

const renewed = { outcome: 'renewed' as const, paused: false, cancelledJobIds: [] };

describe('takeTenure', () => {
  it('waits while another holds the lease or Postgres is away', async () => {
    const clock = createHandClock();
    const answers: (() => Promise<AcquiredInstance | undefined>)[] = [
      () => Promise.resolve(undefined),
      () => Promise.reject(new Error('away')),
      () => Promise.resolve(instance),
    ];
    const waits: string[] = [];
    const store: LeaseStore = { acquire: () => answers.shift()!(), renew: () => Promise.resolve(renewed) };
    const taking = takeTenure(options(store, clock, waits), new AbortController().signal);
    await clock.advance(1_000);
    const tenure = await taking;
    expect(waits).toEqual(['held_by_another', 'database_away']);
    expect(tenure.instance.epoch).toBe(3);
    tenure.end();
  });

  it('counts the time that is left from before the renewal was sent', async () => {
    const clock = createHandClock();
    const answers: (() => void)[] = [];
    const store: LeaseStore = {
      acquire: () => Promise.resolve(instance),
      renew: () => new Promise((resolve) => answers.push(() => resolve(renewed))),
    };
    const tenure = await takeTenure(options(store, clock), new AbortController().signal);
    await clock.advance(4_000);
    expect(tenure.validForMs()).toBe(3_000);
    answers[0]?.();
    await clock.advance(0);
    expect(tenure.validForMs()).toBe(4_000);
    tenure.end();
  });

  it('sends another renewal where one is not answered, a few at a time, and believes the latest', async () => {
    const clock = createHandClock();
    const sentAt: number[] = [];
    const answers: ((outcome: { paused: boolean }) => void)[] = [];
    const beats: boolean[] = [];
    const store: LeaseStore = {
      acquire: () => Promise.resolve(instance),
      renew: () => {
        sentAt.push(clock.now());
        return new Promise((resolve) => answers.push(({ paused }) => resolve({ ...renewed, paused })));
      },
    };
    const keeper = { ...options(store, clock), onBeat: ({ paused }: { paused: boolean }) => beats.push(paused) };
    const tenure = await takeTenure(keeper, new AbortController().signal);
    await clock.advance(3_000);
    expect(sentAt).toEqual([1_000, 1_250, 1_500, 1_750]);
    answers[2]?.({ paused: true });
    answers[0]?.({ paused: false });
    await clock.advance(0);
    expect([tenure.validForMs(), beats]).toEqual([5_500, [true]]);
    answers[1]?.({ paused: false });
    answers[3]?.({ paused: false });
    await clock.advance(250);
    // All are answered; the next one is due a beat after the last.
    expect([sentAt.length, beats]).toEqual([5, [true, false]]);
    tenure.end();
  });

  it('renews once a beat while each is answered', async () => {
    const clock = createHandClock();
    const sentAt: number[] = [];
    const store: LeaseStore = {
      acquire: () => Promise.resolve(instance),
      renew: () => {
        sentAt.push(clock.now());
        return Promise.resolve(renewed);
      },
    };
    const tenure = await takeTenure(options(store, clock), new AbortController().signal);
    await clock.advance(4_100);
    expect(sentAt).toEqual([1_000, 2_000, 3_000, 4_000]);
    tenure.end();
  });

  it('runs down while Postgres is away, and says nothing is lost', async () => {
    const clock = createHandClock();
    const store: LeaseStore = {
      acquire: () => Promise.resolve(instance),
      renew: () => Promise.reject(new Error('away')),
    };
    const tenure = await takeTenure(options(store, clock), new AbortController().signal);
    await clock.advance(8_000);
    expect(tenure.validForMs()).toBe(0);
    expect(tenure.signal.aborted).toBe(false);
    tenure.end();
  });

  it('ends at once when the lease is gone', async () => {
    const clock = createHandClock();
    const store: LeaseStore = {
      acquire: () => Promise.resolve(instance),
      renew: () => Promise.resolve({ outcome: 'lost' }),
    };
    const tenure = await takeTenure(options(store, clock), new AbortController().signal);
    await clock.advance(1_000);
    expect(tenure.signal.aborted).toBe(true);
    expect(tenure.validForMs()).toBe(0);
  });
});
