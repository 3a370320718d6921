import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { remainingMs } from './remaining-time.ts';

describe('remainingMs', () => {
  it('knows nothing where nothing was measured and nothing is told', () => {
    expect(remainingMs({ elapsedMs: 500, expectedMs: undefined, fraction: undefined })).toBeUndefined();
    expect(remainingMs({ elapsedMs: 500, expectedMs: undefined, fraction: 0.05 })).toBeUndefined();
  });

  it('counts down what runs of the kind take, and ends at nothing', () => {
    expect(remainingMs({ elapsedMs: 400, expectedMs: 1_000, fraction: undefined })).toBe(600);
    expect(remainingMs({ elapsedMs: 4_000, expectedMs: 1_000, fraction: undefined })).toBe(0);
  });

  it('reckons by progress, and believes whoever expects the end earlier', () => {
    expect(remainingMs({ elapsedMs: 1_000, expectedMs: undefined, fraction: 0.25 })).toBe(3_000);
    expect(remainingMs({ elapsedMs: 1_000, expectedMs: 2_000, fraction: 0.25 })).toBe(1_000);
    expect(remainingMs({ elapsedMs: 1_000, expectedMs: 9_000, fraction: 0.5 })).toBe(1_000);
  });

  it('is never negative, and never more than either answer', () => {
    const ms = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(ms, ms, fc.double({ min: 0.1, max: 1, noNaN: true }), (elapsedMs, expectedMs, fraction) => {
        const left = remainingMs({ elapsedMs, expectedMs, fraction }) ?? NaN;
        expect(left).toBeGreaterThanOrEqual(0);
        expect(left).toBeLessThanOrEqual(Math.max(0, expectedMs - elapsedMs));
      }),
      { seed: 11, numRuns: 200 },
    );
  });
});
