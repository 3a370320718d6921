import type { PyValue } from '../json/python-json.ts';
import { pythonRepr } from '../json/python-text.ts';
import { PythonException } from './python-exception.ts';

/** Python's name of a value's type. */
export function pythonTypeName(value: PyValue): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string') return 'str';
  return Array.isArray(value) ? 'list' : 'dict';
}

/** Python strips these around numbers: what `str.isspace` is true for. */
const whitespace = '[\\s\\u001c-\\u001f\\u0085]*';
const intText = new RegExp(`^${whitespace}([+-]?)(\\p{Nd}+(?:_\\p{Nd}+)*)${whitespace}$`, 'u');
const floatDigits = '\\p{Nd}+(?:_\\p{Nd}+)*';
const floatText = new RegExp(
  `^${whitespace}([+-]?)(?:(inf(?:inity)?|nan)|((?:${floatDigits}(?:\\.(?:${floatDigits})?)?|\\.${floatDigits})(?:[eE][+-]?${floatDigits})?))${whitespace}$`,
  'iu',
);

/** `int(value)`. */
export function pythonInt(value: PyValue): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') {
    if (Number.isNaN(value)) throw new PythonException('ValueError', 'cannot convert float NaN to integer');
    if (!Number.isFinite(value)) throw new PythonException('OverflowError', 'cannot convert float infinity to integer');
    return BigInt(Math.trunc(value));
  }
  if (typeof value === 'string') return intFromText(value);
  throw new PythonException(
    'TypeError',
    `int() argument must be a string, a bytes-like object or a real number, not '${pythonTypeName(value)}'`,
  );
}

function intFromText(text: string): bigint {
  const match = intText.exec(text);
  const digits = match?.[2]?.replaceAll('_', '');
  if (match === null || digits === undefined) {
    throw new PythonException('ValueError', `invalid literal for int() with base 10: ${pythonRepr(text)}`);
  }
  if (digits.length > 4300) {
    const message = `Exceeds the limit (4300 digits) for integer string conversion: value has ${digits.length} digits; use sys.set_int_max_str_digits() to increase the limit`;
    throw new PythonException('ValueError', message);
  }
  const value = BigInt(asciiDigits(digits));
  return match[1] === '-' ? -value : value;
}

/** `float(value)`. */
export function pythonFloat(value: PyValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') {
    const float = Number(value);
    if (!Number.isFinite(float)) throw new PythonException('OverflowError', 'int too large to convert to float');
    return float;
  }
  if (typeof value === 'string') return floatFromText(value);
  throw new PythonException(
    'TypeError',
    `float() argument must be a string or a real number, not '${pythonTypeName(value)}'`,
  );
}

function floatFromText(text: string): number {
  const match = floatText.exec(text);
  if (match === null) throw new PythonException('ValueError', `could not convert string to float: ${pythonRepr(text)}`);
  const sign = match[1] === '-' ? -1 : 1;
  const word = match[2]?.toLowerCase();
  if (word !== undefined) return word === 'nan' ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * Number(asciiDigits((match[3] ?? '').replaceAll('_', '')));
}

/** Python reads the digits of every script (`int('１２')` is 12). Each script's ten digits stand in a row that begins at a multiple found by walking back. */
function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => {
    if (digit >= '0' && digit <= '9') return digit;
    const code = digit.codePointAt(0) ?? 0;
    let zero = code;
    while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
    return String(code - zero);
  });
}

/** `bool(value)`. */
export function pythonBool(value: PyValue): boolean {
  if (value === null) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'string') return value !== '';
  return Array.isArray(value) ? value.length > 0 : value.size > 0;
}

/** `left == right`: numbers and booleans by value, lists and dicts by content. */
export function pythonEquals(left: PyValue, right: PyValue): boolean {
  if (left === right) return true;
  const leftNumber = numericValue(left);
  if (leftNumber !== undefined) {
    const rightNumber = numericValue(right);
    // JavaScript compares a bigint and a number by exact value with the loose operators, as Python does.
    return rightNumber !== undefined && leftNumber <= rightNumber && leftNumber >= rightNumber;
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => pythonEquals(item, right[index] ?? null));
  }
  if (left instanceof Map && right instanceof Map) {
    return (
      left.size === right.size &&
      [...left].every(([key, item]) => right.has(key) && pythonEquals(item, right.get(key) ?? null))
    );
  }
  return false;
}

/** A number or boolean as a number that compares as Python compares it; undefined for other types. */
export function numericValue(value: PyValue): number | bigint | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' || typeof value === 'bigint' ? value : undefined;
}
