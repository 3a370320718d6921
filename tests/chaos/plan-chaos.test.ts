import { describe, expect, it } from 'vitest';
import type { ChaosFault } from './chaos-fault.ts';
import { planChaos } from './plan-chaos.ts';

describe('planChaos', () => {
  it('plans the same for the same seed and something else for another', () => {
    const options = { requests: 100, scale: 1 };
    expect(planChaos({ ...options, seed: 5 })).toEqual(planChaos({ ...options, seed: 5 }));
    expect(planChaos({ ...options, seed: 5 }).faults).not.toEqual(planChaos({ ...options, seed: 6 }).faults);
  });

  it('plans every kind of fault over a few seeds, in order, while requests come', () => {
    const plans = Array.from({ length: 30 }, (_, seed) => planChaos({ seed, requests: 240, scale: 1 }));
    const kinds = new Set<ChaosFault['kind']>(plans.flatMap((plan) => plan.faults.map(({ fault }) => fault.kind)));
    expect(kinds.size).toBe(10);
    for (const { faults, requests } of plans) {
      expect(requests).toHaveLength(240);
      for (const list of [faults, requests]) {
        const times = list.map(({ atMs }) => atMs);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }
      expect(faults.length).toBeGreaterThan(5);
      expect(faults.at(-1)!.atMs).toBeLessThan(120_000);
    }
  });

  it('stalls workers under and over the lease', () => {
    const stalls = Array.from({ length: 40 }, (_, seed) => planChaos({ seed, requests: 120, scale: 10 }))
      .flatMap((plan) => plan.faults)
      .flatMap(({ fault }) => (fault.kind === 'stall' ? [fault.forMs] : []));
    expect(stalls.some((ms) => ms <= 500)).toBe(true);
    expect(stalls.some((ms) => ms > 700)).toBe(true);
  });
});
