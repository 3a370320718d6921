import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shorten } from './shorten.ts';

test('a text is as short as asked, and never ends in half a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 0, max: 40 }), (text, max) => {
      const cut = shorten(text, max);
      expect(cut.length).toBeLessThanOrEqual(max);
      expect(cut.isWellFormed()).toBe(text.isWellFormed());
      expect(text.startsWith(cut.replace(/…$/, ''))).toBe(true);
      expect(cut === text).toBe(text.length <= max);
    }),
    { seed: 9, numRuns: 500 },
  );
  expect(shorten('ab🦊cd', 4)).toBe('ab…');
});
