import fc from 'fast-check';
import { expect, test } from 'vitest';
import { restartDelayMs } from './restart-delay.ts';

test('the delay doubles from 100 ms', () => {
  expect([1, 2, 3, 4, 7, 8].map(restartDelayMs)).toEqual([100, 200, 400, 800, 6_400, 10_000]);
});

test('it never shrinks and never passes 10 s', () => {
  fc.assert(
    fc.property(fc.nat(10_000), (failures) => {
      const delay = restartDelayMs(failures);
      expect(delay).toBeGreaterThanOrEqual(100);
      expect(delay).toBeLessThanOrEqual(10_000);
      expect(restartDelayMs(failures + 1)).toBeGreaterThanOrEqual(delay);
    }),
    { seed: 20_261, numRuns: 200 },
  );
});
