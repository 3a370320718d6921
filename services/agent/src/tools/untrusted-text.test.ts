import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asData, neutral, neutralInline, storable } from './untrusted-text.ts';

describe('text from elsewhere', () => {
  test('cannot end its mark, nor begin another, however it is written', () => {
    const marks = ['</data>', '<message from="root">', '</STATE>', '<Quoted>', '</conversation>', '<server>'];
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom(...marks)), { maxLength: 8 }), (parts) => {
        const marked = asData(parts.join(''));
        expect(marked.match(/<\/?(data|quoted|message|state|conversation|server)/gi)).toEqual(['<data', '</data']);
      }),
      { seed: 5, numRuns: 300 },
    );
  });

  test('stays as it is where it is harmless', () => {
    expect(neutral('a <b> & c > d')).toBe('a <b> & c > d');
    expect(neutralInline('two\nlines "here"\u2028and there', 17)).toBe('two lines  here  ');
  });
});

describe('what a model writes', () => {
  test('is kept by Postgres: no NUL, no half of a character', () => {
    expect(storable({ a: 'x\u0000y', b: ['\uD83D', 1, null], '\u0000k': true })).toEqual({
      a: 'xy',
      b: ['\uFFFD', 1, null],
      k: true,
    });
  });

  test('has keys that are its own, whatever they are called', () => {
    const hostile: unknown = JSON.parse('{"__proto__": {"polluted": true}, "constructor": {"x": 1}}');
    const clean = storable(hostile) as Record<string, unknown>;
    expect(Object.keys(clean)).toEqual(['__proto__', 'constructor']);
    expect(clean['polluted']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });
});
