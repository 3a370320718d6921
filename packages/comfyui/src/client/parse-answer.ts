import { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import { isJsonObject } from '../json/is-json-object.ts';
import type { Json, JsonObject } from '../json/json.ts';
import { parseJson } from '../json/parse-json.ts';

/** An object kept as it came, its integers unharmed. */
export const jsonObject = z.custom<JsonObject>(isJsonObject, 'expected an object');

/** Any JSON value, kept as it came. */
export const json = z.custom<Json>((value) => value !== undefined, 'expected a value');

/** A count, a time or a priority: small enough for a number, however it came. */
export const numeric = z.union([z.number(), z.bigint()]).transform(Number);

/** An id that some versions send as a number. */
export const idText = z.union([z.string(), z.number(), z.bigint()]).transform(String);

/** A field that may be absent or null; both read as undefined. */
export function optional<T extends z.ZodType>(schema: T) {
  return schema.nullish().transform((value) => value ?? undefined);
}

/**
 * Reads an answer of ComfyUI: JSON without losing integers, then the shape.
 *
 * @param what names the answer in the error, such as `GET /queue`.
 * @throws ComfyError `malformed` with the first field that does not fit.
 */
export function parseAnswer<T>(schema: z.ZodType<T>, text: string, what: string): T {
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    throw new ComfyError('malformed', `The answer to ${what} is not JSON: ${error.message}`, {
      hint: 'Something other than ComfyUI may answer at this address.',
      body: shorten(text),
      cause: error,
    });
  }
  return parseShape(schema, value, what);
}

/** As {@link parseAnswer}, from a value that is already parsed. */
export function parseShape<T>(schema: z.ZodType<T>, value: Json, what: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'it' : issue.path.map(String).join('.');
  throw new ComfyError(
    'malformed',
    `The answer to ${what} has an unexpected shape: ${where}: ${issue?.message ?? ''}.`,
    {
      hint: 'Something other than ComfyUI may answer at this address, or its version is not known here.',
    },
  );
}

/** The first 4,000 characters, which is what an error keeps of an answer. */
export function shorten(text: string): string {
  return text.length <= 4_000 ? text : `${text.slice(0, 4_000)}…`;
}
