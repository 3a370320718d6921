import { describe, expect, it } from 'vitest';
import { createServiceTimes, quantile, type ServiceObservation } from './service-times.ts';

const features = { model: 'sdxl', steps: 30, pixels: 1_048_576, images: 1 };
const runs = (seconds: readonly number[], changes: Partial<ServiceObservation> = {}): ServiceObservation[] =>
  seconds.map((gpuSeconds) => ({ ...features, gpuSeconds, ...changes }));

describe('createServiceTimes', () => {
  it('gives the middle 80 % of the runs of a key', () => {
    const times = createServiceTimes(runs([10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110]));
    const { low, high, ...rest } = times.estimate(features, 5);
    expect(rest).toEqual({ median: 60, mean: 60, runs: 11 });
    expect(low).toBeCloseTo(12);
    expect(high).toBeCloseTo(108);
  });

  it('borrows the relative range of a coarser key while its own runs are few', () => {
    const many = runs([10, 20, 30, 40, 50, 60, 70, 80, 90], { steps: 60 });
    const few = createServiceTimes([...many, ...runs([100, 100, 100])]).estimate(features, 1);
    expect(few).toMatchObject({ median: 100, mean: 100, runs: 3 });
    expect(few.low).toBeLessThan(30);
    expect(few.high).toBeGreaterThan(150);
  });

  it('leaves out pixels first, then images, then steps', () => {
    const times = createServiceTimes([
      ...runs([10, 10, 10]),
      ...runs([20, 20, 20], { images: 4 }),
      ...runs([40, 40, 40], { steps: 60 }),
    ]);
    expect(times.estimate({ ...features, pixels: 4 }, 1).median).toBe(10);
    expect(times.estimate({ ...features, images: 8 }, 1).runs).toBe(6);
    expect(times.estimate({ ...features, steps: 7 }, 1).runs).toBe(9);
  });

  it('uses the guess while too few runs of anything are known', () => {
    const times = createServiceTimes(runs([10, 10]));
    expect(times.estimate(features, 30)).toEqual({ low: 15, median: 30, high: 60, mean: 30, runs: 0 });
  });

  it('corrects the guess about a model that never ran by how far guesses about others were off', () => {
    const times = createServiceTimes(runs([10, 20, 30], { guessGpuSeconds: 10 }));
    expect(times.estimate({ ...features, model: 'wan' }, 100)).toMatchObject({ median: 200, mean: 200, runs: 3 });
    expect(times.estimate(features, 100).median).toBe(20);
  });

  it('forgets the oldest runs and takes up new ones', () => {
    const times = createServiceTimes(runs([10, 10, 10]), { window: 3, minRuns: 3 });
    expect(times.estimate(features, 1).median).toBe(10);
    for (const observation of runs([50, 50])) times.observe(observation);
    expect(times.estimate(features, 1)).toMatchObject({ median: 50, runs: 3 });
  });

  it('takes no time that is none', () => {
    const times = createServiceTimes(runs([NaN, -1, Infinity, 10, 10]));
    expect(times.estimate(features, 7).runs).toBe(0);
  });

  it('keeps names apart that look like other keys', () => {
    const times = createServiceTimes(runs([10, 10, 10], { model: 'a",30' }));
    expect(times.estimate({ ...features, model: 'a' }, 1).runs).toBe(0);
  });
});

describe('quantile', () => {
  it('lies between its neighbours', () => {
    expect(quantile([1, 2, 4], 0.75)).toBe(3);
    expect(quantile([5], 0.1)).toBe(5);
  });
});
