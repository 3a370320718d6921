import { describe, expect, it } from 'vitest';
import { createStepRate } from './step-rate.ts';

describe('the step rate', () => {
  it('counts steps a second from the first step that was made', () => {
    const rate = createStepRate();
    for (const [step, elapsedMs] of [
      [0, 100],
      [1, 9_000],
      [2, 9_500],
      [2, 9_600],
      [4, 10_500],
    ] as const) {
      rate.take({ jobId: 'a', nodeId: '3', step, elapsedMs });
    }
    expect(rate.of('a')).toBe(2);
    expect(rate.of('b')).toBeUndefined();
  });

  it('follows the last twenty signs, and begins anew with another node, another run and another job', () => {
    const rate = createStepRate();
    const sample = (jobId: string, nodeId: string, step: number, elapsedMs: number): number | undefined => {
      rate.take({ jobId, nodeId, step, elapsedMs });
      return rate.of(jobId);
    };
    for (let step = 1; step <= 40; step += 1) sample('a', '3', step, step <= 20 ? step * 1_000 : 20_000 + step * 100);
    expect(rate.of('a')).toBeCloseTo(10);
    expect(sample('a', '8', 1, 30_000)).toBeUndefined();
    expect(sample('a', '8', 2, 30_500)).toBe(2);
    expect(sample('a', '8', 1, 31_000)).toBeUndefined();
    expect(sample('b', '8', 2, 31_000)).toBeUndefined();
    expect(rate.of('a')).toBeUndefined();
  });
});
