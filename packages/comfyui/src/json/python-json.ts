import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from './json.ts';
import { createJsonObject, integerFromLiteral } from './parse-json.ts';
import { scanJson } from './scan-json.ts';
import type { JsonBuilder, ScanLimits } from './scan-json.ts';

/**
 * A JSON value as Python's `json.loads` gives it: `bigint` is an `int`, `number` is a `float`, a `Map` is a `dict` with its
 * order. ComfyUI's verdicts and messages depend on these differences (`1` and `1.0`), which {@link Json} does not keep.
 */
export type PyValue = null | boolean | bigint | number | string | PyValue[] | PyDict;

/** A Python `dict` with string keys. */
export type PyDict = Map<string, PyValue>;

const pythonBuilder: JsonBuilder<PyValue, PyDict> = {
  null: null,
  true: true,
  false: false,
  string: (value) => value,
  integer: (literal) => BigInt(literal),
  float: (value) => value,
  array: (items) => items,
  startObject: () => new Map(),
  setMember: (members, key, value) => {
    members.set(key, value);
  },
  endObject: (members) => members,
};

/** Python's values take several times the memory of plain ones. 10,000 nodes are some 200,000 values. */
const defaultLimits: ScanLimits = {
  maxChars: 256 * 1024 * 1024,
  maxDepth: 500,
  maxValues: 2_000_000,
  nonFinite: 'accept',
};

/**
 * Parses JSON into Python's values.
 *
 * @throws ComfyError as `parseJson` does.
 */
export function parsePythonJson(text: string, limits: Partial<ScanLimits> = {}): PyValue {
  return scanJson(text, pythonBuilder, { ...defaultLimits, ...limits });
}

/** The {@link Json} form of a Python value. */
export function jsonFromPython(value: PyValue): Json {
  if (typeof value === 'bigint') return integerFromLiteral(String(value));
  if (Array.isArray(value)) return value.map(jsonFromPython);
  if (value instanceof Map) {
    const members = createJsonObject();
    for (const [key, member] of value) members[key] = jsonFromPython(member);
    return members;
  }
  return value;
}

/**
 * The Python value of JSON that was parsed before: whole numbers are taken for integers.
 *
 * @throws ComfyError `too_large` for nesting beyond 500, a cycle included.
 */
export function pythonFromJson(value: Json): PyValue {
  return convert(value, 0);
}

function convert(value: Json, depth: number): PyValue {
  if (depth > defaultLimits.maxDepth)
    throw new ComfyError('too_large', `JSON nested deeper than the cap of ${defaultLimits.maxDepth}`);
  if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map((item) => convert(item, depth + 1));
  if (typeof value === 'object' && value !== null) {
    const members: PyDict = new Map();
    for (const key of Object.keys(value)) {
      const member = value[key];
      if (member !== undefined) members.set(key, convert(member, depth + 1));
    }
    return members;
  }
  return value;
}
