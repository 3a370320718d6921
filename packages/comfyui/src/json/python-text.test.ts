import { describe, expect, test } from 'vitest';
import { parsePythonJson, pythonFromJson } from './python-json.ts';
import { pythonRepr, pythonStr } from './python-text.ts';

// Every expectation is what CPython 3.11 printed.
describe('repr as CPython prints it', () => {
  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [1e15, '1000000000000000.0'],
    [1e16, '1e+16'],
    [1.2345678901234568e17, '1.2345678901234568e+17'],
    [1e21, '1e+21'],
    [0.000015, '1.5e-05'],
    [0.0001, '0.0001'],
    [0.00001234, '1.234e-05'],
    [1e-7, '1e-07'],
    [1 / 3, '0.3333333333333333'],
    [1e100, '1e+100'],
    [-2.5, '-2.5'],
    [9007199254740992, '9007199254740992.0'],
    [5e-324, '5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [123456.789, '123456.789'],
    [Number.NaN, 'nan'],
    [Number.NEGATIVE_INFINITY, '-inf'],
  ])('float %d', (value, text) => {
    expect(pythonRepr(value)).toBe(text);
  });

  test.each([
    ['a', "'a'"],
    ["it's", '"it\'s"'],
    ['say "hi"', '\'say "hi"\''],
    ['both \' and "', "'both \\' and \"'"],
    ['tab\t nl\n cr\r', "'tab\\t nl\\n cr\\r'"],
    ['\u0000\u001b\u007f', "'\\x00\\x1b\\x7f'"],
    ['é 中 🎨', "'é 中 🎨'"],
    ['\u200b\u2028\u00a0\u00ad', "'\\u200b\\u2028\\xa0\\xad'"],
    ['back\\slash', "'back\\\\slash'"],
    ['\ud7ff \ue000 \u{10ffff}', "'\\ud7ff \\ue000 \\U0010ffff'"],
  ])('text %j', (value, text) => {
    expect(pythonRepr(value)).toBe(text);
  });

  test('lists and dicts keep order and the difference between int and float', () => {
    const value = parsePythonJson('[1, 1.0, null, true, {"b": [], "a": {}, "9": "x", "1": 2}, "x"]');
    expect(pythonRepr(value)).toBe("[1, 1.0, None, True, {'b': [], 'a': {}, '9': 'x', '1': 2}, 'x']");
    expect(pythonStr('x')).toBe('x');
  });

  test('values that were parsed before: whole numbers are integers', () => {
    expect(pythonRepr(pythonFromJson([1, 1.5, 2n ** 64n, { a: false }]))).toBe(
      "[1, 1.5, 18446744073709551616, {'a': False}]",
    );
  });
});
