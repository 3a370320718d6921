import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ComfyError } from '../errors/comfy-error.ts';
import { errorOf } from '../errors/testing/error-of.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import type { Json } from './json.ts';
import { createJsonObject, parseJson } from './parse-json.ts';
import { stringifyJson } from './stringify-json.ts';

describe('numbers', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['12', 12],
    ['9007199254740991', 9007199254740991],
    ['9007199254740993', 9007199254740993n],
    ['18446744073709551615', 18446744073709551615n],
    ['-9223372036854775808', -9223372036854775808n],
    ['8.0', 8],
    ['1e3', 1000],
    ['1E-2', 0.01],
    ['1e400', Number.POSITIVE_INFINITY],
    ['NaN', Number.NaN],
    ['-Infinity', Number.NEGATIVE_INFINITY],
  ])('%s', (text, value) => {
    expect(parseJson(text)).toBe(value);
  });

  test('a seed survives parsing, an edit and writing', () => {
    const workflow = parseJson('{"3":{"inputs":{"seed":18446744073709551615,"cfg":7.5,"steps":20}}}') as {
      '3': { inputs: { [key: string]: Json } };
    };
    workflow['3'].inputs['steps'] = 30;
    expect(stringifyJson(workflow)).toBe('{"3":{"inputs":{"seed":18446744073709551615,"cfg":7.5,"steps":30}}}');
  });

  test('what only Python reads can be refused', () => {
    for (const text of ['NaN', '[Infinity]', '{"a":-Infinity}', '1e999']) {
      expect(errorOf(() => parseJson(text, { nonFinite: 'refuse' })).code).toBe('malformed');
    }
  });

  test('an integer longer than Python takes is refused at once', () => {
    expect(errorOf(() => parseJson('9'.repeat(1_000_000))).code).toBe('malformed');
    expect(parseJson('9'.repeat(4300))).toBeTypeOf('bigint');
  });
});

describe('objects', () => {
  test('no key is special', () => {
    const value = parseJson('{"__proto__":{"polluted":true},"constructor":1,"toString":2}') as { [key: string]: Json };
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor', 'toString']);
    expect(value['hasOwnProperty']).toBeUndefined();
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
    expect(stringifyJson(value)).toBe('{"__proto__":{"polluted":true},"constructor":1,"toString":2}');
  });

  test('the last of equal keys wins', () => {
    expect(parseJson('{"a":1,"b":2,"a":3}')).toEqual({ a: 3, b: 2 });
  });

  test('a new object has no members either', () => {
    const made = createJsonObject();
    made['__proto__'] = 1;
    expect('constructor' in made).toBe(false);
    expect(Object.keys(made)).toEqual(['__proto__']);
  });
});

describe('errors', () => {
  test.each([
    ['', 1, 1],
    ['{', 1, 2],
    ['[1,]', 1, 4],
    ['{"a" 1}', 1, 6],
    ['{a:1}', 1, 2],
    ['[1 2]', 1, 4],
    ['{"a":1,}', 1, 8],
    ['{\n  "a": tru\n}', 2, 8],
    ['"abc', 1, 1],
    ['"a\nb"', 1, 3],
    ['"\\x41"', 1, 2],
    ['"\\u00g0"', 1, 2],
    ['01', 1, 2],
    ['+1', 1, 1],
    ['.5', 1, 1],
    ['1.', 1, 2],
    ['1 2', 1, 3],
    ["'a'", 1, 1],
    ['\ufeff{}', 1, 1],
    ['undefined', 1, 1],
  ])('%j fails at %i:%i', (text, line, column) => {
    const error = errorOf(() => parseJson(text));
    expect(error.code).toBe('malformed');
    expect(error.position).toEqual({ line, column });
  });

  test('the number of values has a cap', () => {
    expect(errorOf(() => parseJson(`[${'[],'.repeat(5_000_000)}[]]`)).code).toBe('too_large');
    expect(errorOf(() => parseJson('[1,\n{"a":2}]', { maxValues: 3 })).position).toEqual({ line: 2, column: 6 });
    expect(parseJson('[1,{"a":2}]', { maxValues: 4 })).toEqual([1, { a: 2 }]);
  });

  test('a position far into many lines is found without splitting them', () => {
    expect(errorOf(() => parseJson(`${'\n'.repeat(5_000_000)}  x`)).position).toEqual({ line: 5_000_001, column: 3 });
  });

  test('nesting and length have caps', () => {
    expect(errorOf(() => parseJson('['.repeat(1_000_000))).code).toBe('too_large');
    expect(errorOf(() => parseJson('{"a":'.repeat(600))).code).toBe('too_large');
    expect(errorOf(() => parseJson('[1,2,3]', { maxChars: 5 })).code).toBe('too_large');
    expect(parseJson('['.repeat(500) + ']'.repeat(500))).toBeInstanceOf(Array);
  });

  test('what cannot be written says so', () => {
    expect(errorOf(() => stringifyJson(Number.NaN)).code).toBe('invalid_value');
    expect(errorOf(() => stringifyJson([Number.POSITIVE_INFINITY])).code).toBe('invalid_value');
    expect(stringifyJson([Number.NaN, Number.NEGATIVE_INFINITY], { nonFinite: 'literal' })).toBe('[NaN,-Infinity]');
    const ring: Json[] = [];
    ring.push(ring);
    expect(errorOf(() => stringifyJson(ring)).code).toBe('too_large');
    expect(errorOf(() => stringifyJson((() => 1) as unknown as Json)).code).toBe('invalid_value');
  });
});

/** Whether a text is read; any other error than the one that says it is not JSON goes through. */
function isRead(parse: () => unknown, refusal: typeof ComfyError | typeof SyntaxError): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof refusal) return false;
    throw error;
  }
}

/** Bigints as the numbers that JSON.parse makes of them. */
function withNumbers(value: Json): Json {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(withNumbers);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, withNumbers(member)]));
}

describe('against JSON.parse and JSON.stringify', () => {
  test('the same values, the same texts', () => {
    expect(() =>
      fc.assert(
        fc.property(fc.jsonValue({ maxDepth: 6, noUnicodeString: false }), fc.constantFrom(0, 2), (value, indent) => {
          const text = JSON.stringify(value, null, indent);
          expect(withNumbers(parseJson(text))).toEqual(JSON.parse(text));
          expect(parseJson(stringifyJson(parseJson(text), indent))).toEqual(parseJson(text));
        }),
        { seed: 11, numRuns: propertyRuns(300) },
      ),
    ).not.toThrow();
    const sample = { a: [1, 'x', [], {}, null], b: { c: true, d: -1.5 } };
    expect(stringifyJson(sample, 2)).toBe(JSON.stringify(sample, null, 2));
    expect(stringifyJson(sample)).toBe(JSON.stringify(sample));
  });

  test('any text: both agree on whether it is JSON', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '\\',
      '1',
      '-',
      '.5',
      'e3',
      'true',
      'null',
      ' ',
      '\n',
      '\\u0041',
      'é',
    );
    expect(() =>
      fc.assert(
        fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
          const text = parts.join('');
          expect(isRead(() => parseJson(text), ComfyError)).toBe(isRead(() => JSON.parse(text) as Json, SyntaxError));
        }),
        { seed: 13, numRuns: propertyRuns(1_000) },
      ),
    ).not.toThrow();
  });

  test('every number comes back as it was', () => {
    const numbers = fc.oneof(fc.double(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.integer());
    expect(() =>
      fc.assert(
        fc.property(numbers, (number) => {
          const expected = typeof number === 'bigint' && Number.isSafeInteger(Number(number)) ? Number(number) : number;
          expect(parseJson(stringifyJson(number, { nonFinite: 'literal' }))).toBe(expected);
        }),
        { seed: 17, numRuns: propertyRuns(500) },
      ),
    ).not.toThrow();
  });
});
