import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PyValue } from '../json/python-json.ts';
import { pythonRepr } from '../json/python-text.ts';
import { propertyRuns } from '../testing/property-runs.ts';
import { pythonBool, pythonEquals, pythonFloat, pythonInt } from './python-conversion.ts';
import { PythonException } from './python-exception.ts';

function outcome(convert: (value: PyValue) => PyValue, value: PyValue): string {
  try {
    return pythonRepr(convert(value));
  } catch (error) {
    if (error instanceof PythonException) return `${error.type}: ${error.message}`;
    throw error;
  }
}

// Every expectation is what CPython 3.11 answered.
describe('int()', () => {
  test.each(['12', ' 12 ', '１２', '12\n', '00012', '\u001c12'])('%j is 12', (text) => {
    expect(outcome(pythonInt, text)).toBe('12');
  });

  test.each([
    ['+7', '7'],
    ['-0', '0'],
    ['1_000', '1000'],
    ['٣', '3'],
    ['\u00a05', '5'],
    ['18446744073709551616', '18446744073709551616'],
  ])('%j', (text, value) => {
    expect(outcome(pythonInt, text)).toBe(value);
  });

  test.each(['1__0', '_1', '1_', '0x10', '1e3', '1.0', '', 'abc', '--1', 'True', '1 2'])('%j is refused', (text) => {
    expect(outcome(pythonInt, text)).toBe(`ValueError: invalid literal for int() with base 10: '${text}'`);
  });

  test.each<[PyValue, string]>([
    [true, '1'],
    [2.9, '2'],
    [-2.9, '-2'],
    [1e30, '1000000000000000019884624838656'],
    [Number.NaN, 'ValueError: cannot convert float NaN to integer'],
    [Number.POSITIVE_INFINITY, 'OverflowError: cannot convert float infinity to integer'],
    [null, "TypeError: int() argument must be a string, a bytes-like object or a real number, not 'NoneType'"],
    [[], "TypeError: int() argument must be a string, a bytes-like object or a real number, not 'list'"],
    [new Map(), "TypeError: int() argument must be a string, a bytes-like object or a real number, not 'dict'"],
  ])('%j', (value, expected) => {
    expect(outcome(pythonInt, value)).toBe(expected);
  });
});

describe('float()', () => {
  test.each([
    ['1e3', '1000.0'],
    [' 1.5 ', '1.5'],
    ['1_0.5', '10.5'],
    ['.5', '0.5'],
    ['5.', '5.0'],
    ['1e+3', '1000.0'],
    ['inf', 'inf'],
    ['-Infinity', '-inf'],
    ['+NaN', 'nan'],
    ['１.５', '1.5'],
    ['1e400', 'inf'],
    ['-.5e-2', '-0.005'],
    ['\u20031', '1.0'],
  ])('%j', (text, value) => {
    expect(outcome(pythonFloat, text)).toBe(value);
  });

  test.each(['1._5', '1e', 'infinit', '0x1p3', '', '1,5', '1__0', '1_e5', '.', 'e5'])('%j is refused', (text) => {
    expect(outcome(pythonFloat, text)).toBe(`ValueError: could not convert string to float: '${text}'`);
  });

  test('integers beyond the largest float', () => {
    expect(outcome(pythonFloat, 10n ** 400n)).toBe('OverflowError: int too large to convert to float');
    expect(outcome(pythonFloat, false)).toBe('0.0');
    expect(outcome(pythonFloat, null)).toBe(
      "TypeError: float() argument must be a string or a real number, not 'NoneType'",
    );
  });

  test('a long text that is no number is refused in no time', () => {
    expect(outcome(pythonFloat, `${'1'.repeat(200_000)}x`)).toMatch(/^ValueError/);
    expect(outcome(pythonInt, `${'1_'.repeat(100_000)}x`)).toMatch(/^ValueError/);
  });
});

test('bool() is false for what is empty or zero', () => {
  const values: PyValue[] = [null, false, 0n, 0, '', [], new Map(), 'False', '0', 1n, [0n], Number.NaN];
  expect(values.map(pythonBool)).toEqual([
    false,
    false,
    false,
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
    true,
  ]);
});

test('equality goes across number types and into lists and dicts', () => {
  const equal: [PyValue, PyValue][] = [
    [1n, 1],
    [1, true],
    [0n, false],
    [
      [1n, 'a'],
      [1, 'a'],
    ],
    [new Map([['a', 1n]]), new Map([['a', 1]])],
  ];
  const different: [PyValue, PyValue][] = [
    [1n, '1'],
    [null, false],
    ['', false],
    [9007199254740993n, 9007199254740992],
    [Number.NaN, Number.NaN],
    [[1n], [1n, 2n]],
    [new Map([['a', 1n]]), new Map([['b', 1n]])],
  ];
  expect(equal.every(([left, right]) => pythonEquals(left, right))).toBe(true);
  expect(different.some(([left, right]) => pythonEquals(left, right))).toBe(false);
});

test('whole numbers as text come back as they are', () => {
  expect(() =>
    fc.assert(
      fc.property(fc.bigInt(), (value) => {
        expect(pythonInt(String(value))).toBe(value);
        expect(pythonFloat(String(value))).toBe(Number(value));
      }),
      { seed: 19, numRuns: propertyRuns(200) },
    ),
  ).not.toThrow();
});
