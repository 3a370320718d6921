import fc from 'fast-check';
import { expect, it } from 'vitest';
import { shareBytes } from './share-bytes.ts';

it('gives large files what small ones leave', () => {
  expect(shareBytes([10, 90, 10], 100, 100)).toEqual([33, 80, 45]);
  expect(shareBytes([50, 50], 30, 100)).toEqual([30, 30]);
  expect(shareBytes([], 30, 100)).toEqual([]);
});

it('never lets the files grow over either limit, and leaves alone what fits', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 1_000 }), { maxLength: 10 });
  const limit = fc.integer({ min: 1, max: 2_000 });
  fc.assert(
    fc.property(sizes, limit, limit, (files, maxFile, maxTotal) => {
      const shares = shareBytes(files, maxFile, maxTotal);
      const used = files.reduce((sum, size, index) => sum + Math.min(size, shares[index] ?? 0), 0);
      expect(used).toBeLessThanOrEqual(maxTotal);
      for (const share of shares) expect(share).toBeLessThanOrEqual(maxFile);
      const allFit = files.every((size) => size <= maxFile) && files.reduce((sum, size) => sum + size, 0) <= maxTotal;
      const cut = files.filter((size, index) => size > (shares[index] ?? 0));
      expect(allFit ? cut : []).toEqual([]);
    }),
    { seed: 11, numRuns: 300 },
  );
});
