import { z } from 'zod';
import type { Door } from '../../contracts/identity.ts';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';

/** Where results of these requests were shared through a door, newest first: as the adapter noted it. */
export async function readShareRefs(
  db: Database,
  of: { door: Door; requestIds: readonly string[] },
): Promise<Record<string, unknown>[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select message_ref from chat_posts
    where kind = 'share' and door = ${of.door} and state = 'sent' and message_ref is not null
      and request_id = any(${of.requestIds as string[]}::uuid[])
    order by created_at desc limit 20`,
  );
  return rows.map((row) => z.record(z.string(), z.unknown()).parse(row['messageRef']));
}
