import type { Json, JsonObject } from '../json/json.ts';
import { createJsonObject, integerFromLiteral } from '../json/parse-json.ts';
import { scanJson } from '../json/scan-json.ts';
import type { ScanLimits } from '../json/scan-json.ts';

/**
 * Settings whose `min` or `max` was written as a whole float (`1.0`), by object, as a sum of {@link wholeMin} and {@link wholeMax}:
 * Python prints it so, and `Json` cannot tell.
 */
export type WholeFloats = ReadonlyMap<JsonObject, number>;

export const wholeMin = 1;
export const wholeMax = 2;

export interface ObjectInfo {
  value: Json;
  wholeFloats: WholeFloats;
}

/** A registry of 5,000 classes with tooltips is tens of megabytes. */
const defaultLimits: ScanLimits = {
  maxChars: 256 * 1024 * 1024,
  maxDepth: 200,
  maxValues: 4_000_000,
  nonFinite: 'accept',
};

/**
 * Parses the text of `/object_info` and notes which bounds are whole floats.
 *
 * @throws ComfyError as `parseJson` does.
 */
export function parseObjectInfo(text: string, limits: Partial<ScanLimits>): ObjectInfo {
  const wholeFloats = new Map<JsonObject, number>();
  let lastFloat: number | undefined;
  const value = scanJson<Json, JsonObject>(
    text,
    {
      null: null,
      true: true,
      false: false,
      string: (value) => value,
      integer: (literal) => {
        lastFloat = undefined;
        return integerFromLiteral(literal);
      },
      float: (value) => {
        lastFloat = value;
        return value;
      },
      array: (items) => items,
      startObject: createJsonObject,
      setMember: (members, key, value) => {
        members[key] = value;
        if (value === lastFloat && (key === 'min' || key === 'max') && Number.isInteger(value)) {
          wholeFloats.set(members, (wholeFloats.get(members) ?? 0) | (key === 'min' ? wholeMin : wholeMax));
        }
      },
      endObject: (members) => members,
    },
    { ...defaultLimits, ...limits },
  );
  return { value, wholeFloats };
}
