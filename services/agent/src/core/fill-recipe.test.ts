import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitAspect } from './fill-recipe.ts';

const limits = { min: 256, max: 2048, multipleOf: 8 };

test.each([
  ['1:1', 1024 * 1024, 1024, 1024],
  ['3:4', 1024 * 1024, 896, 1152],
  ['16:9', 1024 * 1024, 1344, 768],
  ['9:16', 1024 * 1024, 768, 1344],
  ['3:4', 512 * 512, 448, 576],
])('%s of %i pixels is %i × %i', (aspect, area, width, height) => {
  const [wide = 1, high = 1] = aspect.split(':').map(Number);
  expect(fitAspect(wide / high, area, limits, limits)).toEqual({ width, height });
});

test('any shape fits the limits, keeps to the step, and stays near its ratio', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.25, max: 4, noNaN: true }),
      fc.integer({ min: 512 * 512, max: 1536 * 1536 }),
      (ratio, area) => {
        const { width, height } = fitAspect(ratio, area, limits, limits);
        for (const side of [width, height]) {
          expect(side).toBeGreaterThanOrEqual(256);
          expect(side).toBeLessThanOrEqual(2048);
          expect(side % 64).toBe(0);
        }
        // Rounding moves a side by at most 32 pixels.
        expect(width / height).toBeGreaterThan(((ratio * (height - 32)) / height) * 0.85);
        expect(width / height).toBeLessThan(((ratio * (height + 32)) / height) * 1.18);
      },
    ),
    { seed: 42, numRuns: 500 },
  );
});
