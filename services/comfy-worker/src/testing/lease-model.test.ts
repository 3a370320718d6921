import { describe, expect, it } from 'vitest';
import { runLeaseModel, upperBound95 } from './lease-model.ts';

const trials = process.env['ATELIER_TEST_FULL'] === '1' ? 30_000 : 1_500;

describe('the lease protocol in virtual time', () => {
  it(
    'is not taken over from a worker that is stalled for 5 s, in 9,999 of 10,000 cases',
    { timeout: 300_000 },
    async () => {
      const result = await runLeaseModel({ trials, seed: 1, stallMs: 5_000 });
      expect(result.takeovers).toBeLessThanOrEqual(Math.ceil(trials / 10_000));
      expect(result).toMatchObject({ trials, unsafePosts: 0, unsafeWrites: 0 });
    },
  );

  it('goes to the next one when its worker is stalled for longer, and the old one posts nothing more', async () => {
    const result = await runLeaseModel({ trials: 300, seed: 2, stallMs: 9_000 });
    expect(result).toMatchObject({ takeovers: 300, unsafePosts: 0, unsafeWrites: 0 });
  });

  it('shows a takeover where the lease is too short for the stall', async () => {
    const result = await runLeaseModel({ trials: 50, seed: 3, stallMs: 5_000, leaseMs: 5_000 });
    expect(result.takeovers).toBeGreaterThan(0);
    expect(result.unsafePosts).toBe(0);
  });

  it('gives the same result for the same seed', async () => {
    const options = { trials: 40, seed: 7, stallMs: 6_200 };
    expect(await runLeaseModel(options)).toEqual(await runLeaseModel(options));
  });
});

describe('upperBound95', () => {
  it('is 3/N when nothing was seen, and above the rate when something was', () => {
    expect(upperBound95(0, 30_000)).toBe(0.0001);
    expect(upperBound95(2, 30_000)).toBeGreaterThan(2 / 30_000);
  });
});
