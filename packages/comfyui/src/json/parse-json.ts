import type { Json, JsonObject } from './json.ts';
import { scanJson } from './scan-json.ts';
import type { JsonBuilder, ScanLimits } from './scan-json.ts';

/** Caps of {@link parseJson}; each has a default. */
export type JsonLimits = Partial<ScanLimits>;

/** No answer of ComfyUI comes near these: 5,000 classes are 300,000 values, a history of 1,000 large runs three million. */
const defaultLimits: ScanLimits = {
  maxChars: 256 * 1024 * 1024,
  maxDepth: 500,
  maxValues: 4_000_000,
  nonFinite: 'accept',
};

/**
 * Objects inherit from this and so from nothing: `constructor` is absent and `__proto__` is a key like any other.
 * (An object made by `Object.create(null)` would be safe too, but engines keep those as slow hash tables.)
 */
const noMembers: object = Object.freeze(Object.create(null) as object);

/** An empty JSON object in which every key, `__proto__` included, is an ordinary one. */
export function createJsonObject(): JsonObject {
  return Object.create(noMembers) as JsonObject;
}

/** An integer literal as {@link Json} holds it: a number where that is exact, else a bigint. */
export function integerFromLiteral(literal: string): number | bigint {
  const value = Number(literal);
  if (Number.isSafeInteger(value)) return value === 0 ? 0 : value;
  return BigInt(literal);
}

const plainBuilder: JsonBuilder<Json, JsonObject> = {
  null: null,
  true: true,
  false: false,
  string: (value) => value,
  integer: integerFromLiteral,
  float: (value) => value,
  array: (items) => items,
  startObject: createJsonObject,
  setMember: (members, key, value) => {
    members[key] = value;
  },
  endObject: (members) => members,
};

/**
 * Parses JSON as ComfyUI's server does (Python's `json.loads`), without losing an integer: one that a JavaScript number cannot
 * hold is a `bigint`. Python's `NaN` and `Infinity` become those numbers unless `nonFinite` is `refuse`. The last of
 * equal keys wins. Objects have no inherited members, so any key is safe to look up.
 *
 * Defaults: 256 Mi characters, nesting of 500, four million values.
 *
 * @throws ComfyError `malformed` with line and column, or `too_large`.
 */
export function parseJson(text: string, limits: JsonLimits = {}): Json {
  return scanJson(text, plainBuilder, { ...defaultLimits, ...limits });
}
