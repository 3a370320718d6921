import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatArray, parseArray } from './array-types.ts';

/** Any code unit, halves of pairs among them. */
const codeUnit = fc.nat({ max: 0xffff }).map((code) => String.fromCharCode(code));

describe('arrays as Postgres writes them', () => {
  it.each([
    ['{}', []],
    ['{a,b}', ['a', 'b']],
    ['{"a b",NULL,"NULL",""}', ['a b', null, 'NULL', '']],
    [String.raw`{"say \"no\"","back\\slash","{x,y}"}`, ['say "no"', 'back\\slash', '{x,y}']],
  ])('reads %s', (text, elements) => {
    expect(parseArray(text)).toEqual(elements);
  });

  it('reads back whatever it wrote', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.string({ unit: codeUnit }))), (values) => {
        expect(parseArray(formatArray(values))).toEqual(values);
      }),
      { seed: 5, numRuns: 100 },
    );
  });
});
