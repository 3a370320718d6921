import postgres from 'postgres';

/**
 * A row that Postgres wrote as JSON (`to_jsonb`), as the client library would have given it: keys in camelCase, times as
 * dates. By the convention of the schema, columns whose name ends in `_at` are times. Only the row's own columns, not what is
 * inside them.
 */
export function rowFromJson(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(row).map(([column, value]) => [
      postgres.toCamel(column),
      column.endsWith('_at') && typeof value === 'string' ? new Date(value) : value,
    ]),
  );
}
