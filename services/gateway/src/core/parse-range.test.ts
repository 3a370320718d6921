import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from './parse-range.ts';

describe('a range', () => {
  it.each([
    ['bytes=0-', 10, { start: 0, end: 9 }],
    ['bytes=2-3', 10, { start: 2, end: 3 }],
    ['bytes=2-99', 10, { start: 2, end: 9 }],
    ['bytes=-4', 10, { start: 6, end: 9 }],
    ['bytes=-99', 10, { start: 0, end: 9 }],
    ['bytes=10-', 10, 'unsatisfiable'],
    ['bytes=-0', 10, 'unsatisfiable'],
    ['bytes=0-', 0, 'unsatisfiable'],
    ['bytes=3-2', 10, undefined],
    ['bytes=-', 10, undefined],
    ['bytes=0-1,3-4', 10, undefined],
    ['items=0-1', 10, undefined],
    [undefined, 10, undefined],
  ])('%s of %d bytes', (header, size, range) => expect(parseRange(header, size)).toEqual(range));

  it('never leaves the file', () => {
    fc.assert(
      fc.property(fc.string(), fc.nat(1_000), (header, size) => {
        const range = parseRange(`bytes=${header}`, size);
        if (typeof range !== 'object') return;
        expect(range.start).toBeGreaterThanOrEqual(0);
        expect(range.end).toBeLessThan(size);
        expect(range.start).toBeLessThanOrEqual(range.end);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});
