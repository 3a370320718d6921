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
    let answer = (): void => {};
    const store: LeaseStore = {
      acquire: () => Promise.resolve(instance),
      renew: () => new Promise((resolve) => (answer = () => resolve(renewed))),
    };
    const tenure = await takeTenure(options(store, clock), new AbortController().signal);
    await clock.advance(4_000);
    expect(tenure.validForMs()).toBe(3_000);
    answer();
    await clock.advance(0);
    expect(tenure.validForMs()).toBe(4_000);
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
