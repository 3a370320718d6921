/**
 * Any JSON value as this package holds it.
 *
 * An integer literal that a JavaScript number cannot hold exactly (seeds reach 2^64-1) is a `bigint`; every other
 * number is a `number`. Read it with `parseJson` and write it with `stringifyJson`: `JSON.parse` corrupts such
 * integers and `JSON.stringify` throws on them.
 */
export type Json = null | boolean | string | number | bigint | Json[] | JsonObject;

/** A JSON object. It may have been built without a prototype, so that `__proto__` is a key like any other. */
export interface JsonObject {
  [key: string]: Json;
}
