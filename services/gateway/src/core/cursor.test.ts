import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.ts';

describe('a cursor', () => {
  it('stands for the row that it was made of', () => {
    fc.assert(
      fc.property(fc.uuid(), (id) => {
        expect(decodeCursor(encodeCursor(id))).toBe(id);
      }),
      { seed: 1, numRuns: 100 },
    );
    expect(decodeCursor(undefined)).toBeUndefined();
  });

  it('is nothing else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(() => decodeCursor(text)).toThrow('VALIDATION_ERROR');
      }),
      { seed: 1, numRuns: 200 },
    );
  });
});
