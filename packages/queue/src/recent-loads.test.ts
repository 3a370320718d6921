import { describe, expect, it } from 'vitest';
import { recentLoads } from './recent-loads.ts';

describe('recentLoads', () => {
  it('counts what was asked for within each window, a second and GPU', () => {
    const arrivals = [
      { agoSeconds: 0, gpuSeconds: 600 },
      { agoSeconds: 4_000, gpuSeconds: 1_800 },
      { agoSeconds: 19_200, gpuSeconds: 9_600 },
      { agoSeconds: 19_201, gpuSeconds: 1_000 },
    ];
    expect(recentLoads(arrivals, 1)).toEqual([0.5, 0.5, 0.625]);
    expect(recentLoads(arrivals, 2)).toEqual([0.25, 0.25, 0.3125]);
  });

  it('is nothing where nothing was asked for, and a number where no GPU takes work', () => {
    expect(recentLoads([], 1)).toEqual([0, 0, 0]);
    expect(recentLoads([{ agoSeconds: 1, gpuSeconds: 1_200 }], 0)[0]).toBe(1);
  });
});
