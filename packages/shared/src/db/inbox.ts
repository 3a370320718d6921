import type { Database } from './connect-database.ts';
import { withDatabaseErrors } from './database-error.ts';

export interface InboxItem {
  key: string;
  payload: unknown;
}

/**
 * Takes in what a platform handed over, each key once, before the platform is told that it arrived. The work follows
 * from {@link readUnhandled}, in order of arrival, also after a crash.
 */
export async function takeIn(db: Database, consumer: string, items: readonly InboxItem[]): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map((item) => ({ key: item.key, payload: item.payload }));
  await withDatabaseErrors(
    () => db.sql`
    insert into inbox (consumer, key, payload)
    select ${consumer}, item->>'key', item->'payload'
    from jsonb_array_elements(${db.sql.json(rows as never)}) with ordinality as list(item, position) order by position
    on conflict do nothing`,
  );
}

/** What was taken in and is not handled yet, oldest first. */
export async function readUnhandled(db: Database, consumer: string, limit: number): Promise<InboxItem[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select key, payload from inbox where consumer = ${consumer} and handled_at is null order by seq limit ${limit}`,
  );
  return rows.map((row) => ({ key: String(row['key']), payload: row['payload'] as unknown }));
}

export async function markHandled(db: Database, consumer: string, key: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update inbox set handled_at = now(), payload = null where consumer = ${consumer} and key = ${key}`,
  );
}

/** Forgets what was handled longer ago than a platform would ever repeat it. */
export async function forgetHandled(db: Database, olderThanMs: number): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    delete from inbox where handled_at < now() - ${olderThanMs} * interval '1 millisecond'`,
  );
}
