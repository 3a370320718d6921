import type { Database } from './connect-database.ts';

/** Database functions that also work inside a transaction. */
export type Queries = Pick<Database, 'sql'>;

/** Runs `work` in one transaction; what it throws rolls everything back. */
export function inTransaction<Result>(db: Queries, work: (tx: Queries) => Promise<Result>): Promise<Result> {
  return db.sql.begin((transaction) => work({ sql: transaction as unknown as Database['sql'] })) as Promise<Result>;
}
