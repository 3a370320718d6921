import type postgres from 'postgres';

/*
 * One-dimensional arrays as Postgres writes them (its documentation, 8.15.6): `{a,"b \"c\"",NULL}`. The client library
 * would ask each new connection for the ids of array types, and nobody hears when that connection breaks meanwhile: the
 * rejection ends the process. The ids of built-in types never change, so they are stated here.
 */

/** The ids of array types (pg_type.dat) that statements of ours use, with how an element is read. */
const arrayTypes = {
  textArray: { oid: 1009, read: (element: string): unknown => element },
  uuidArray: { oid: 2951, read: (element: string): unknown => element },
  intArray: { oid: 1007, read: (element: string): unknown => Number(element) },
  doubleArray: { oid: 1022, read: (element: string): unknown => Number(element) },
  booleanArray: { oid: 1000, read: (element: string): unknown => element === 't' },
} as const;

/** For the `types` of the client library. An array of another type is refused by Postgres as a malformed literal. */
export const postgresArrayTypes: Record<string, postgres.PostgresType> = Object.fromEntries(
  Object.entries(arrayTypes).map(([name, { oid, read }]) => [
    name,
    {
      to: oid,
      from: [oid],
      serialize: (values: unknown) => (Array.isArray(values) ? formatArray(values as ArrayElement[]) : values),
      parse: (text: string) => parseArray(text).map((element) => (element === null ? null : read(element))),
    },
  ]),
);

type ArrayElement = string | number | boolean | null | undefined;

export function formatArray(values: readonly ArrayElement[]): string {
  const elements = values.map((value) => {
    if (value === null || value === undefined) return 'NULL';
    return `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  });
  return `{${elements.join(',')}}`;
}

/** An element in quotes, in which a backslash takes the next character as it is, or one without. */
const element = /"((?:[^"\\]|\\.)*)"|([^,{}]+)/gs;

export function parseArray(text: string): (string | null)[] {
  return Array.from(text.slice(1, -1).matchAll(element), ([, quoted, plain]) => {
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/gs, '$1');
    return plain === undefined || plain === 'NULL' ? null : plain;
  });
}
