import { describe, expect, it } from 'vitest';
import type { SimClock } from '../clock/sim-clock.ts';
import { createFixedPacer, createPacer } from './pacer.ts';

function countingClock(overshootMs = 0): SimClock & { sleptMs: () => number; sleeps: () => number } {
  let nowMs = 0;
  let sleeps = 0;
  return {
    now: () => nowMs,
    sleep: (ms) => {
      nowMs += ms + overshootMs;
      sleeps += 1;
      return Promise.resolve();
    },
    sleptMs: () => nowMs,
    sleeps: () => sleeps,
  };
}

const { signal } = new AbortController();

describe('the pacer', () => {
  it('divides by the speed and saves small amounts up', async () => {
    const clock = countingClock();
    const pacer = createPacer(clock, 2, signal);
    for (let index = 0; index < 100; index += 1) await pacer.work(1);
    expect(clock.sleptMs()).toBeGreaterThan(45);
    expect(clock.sleptMs()).toBeLessThanOrEqual(50);
    expect(clock.sleeps()).toBeLessThan(20);
  });

  it('gives back what a late timer overslept', async () => {
    const clock = countingClock(5);
    const pacer = createPacer(clock, 1, signal);
    for (let index = 0; index < 20; index += 1) await pacer.work(10);
    expect(clock.sleptMs()).toBeLessThanOrEqual(210);
  });

  it('does not wait at speed 0', async () => {
    const clock = countingClock();
    const pacer = createPacer(clock, 0, signal);
    await pacer.work(1_000_000);
    await pacer.step();
    expect(clock.sleeps()).toBe(0);
    expect(pacer.isHurried).toBe(true);
  });

  it('spreads a fixed time over the steps, or takes it at once', async () => {
    const clock = countingClock();
    const stepped = createFixedPacer(clock, 1, signal, 1_000, 4);
    await stepped.work(500);
    expect(clock.sleptMs()).toBe(0);
    for (let step = 0; step < 4; step += 1) await stepped.step();
    expect(clock.sleptMs()).toBe(1_000);
    const plain = createFixedPacer(clock, 1, signal, 300, 0);
    await plain.work(1);
    await plain.work(1);
    expect(clock.sleptMs()).toBe(1_300);
  });

  it('ends with the session', async () => {
    const ended = new AbortController();
    ended.abort(new Error('over'));
    await expect(createPacer(countingClock(), 1, ended.signal).work(1)).rejects.toThrow('over');
  });
});
