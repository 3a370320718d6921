import { z } from 'zod';
import type { InboxItem } from '@atelier/shared/db/inbox';

/** What every update has, whatever else Telegram adds to it. */
export const numberedUpdateSchema = z.looseObject({ update_id: z.int() });
export type NumberedUpdate = z.infer<typeof numberedUpdateSchema>;

/**
 * An update as the inbox keeps it: without the two things that JSON can say and Postgres cannot store, so that no message
 * can block all that follow.
 */
export function toInboxItem(update: NumberedUpdate): InboxItem {
  const payload = JSON.parse(JSON.stringify(update), (_key, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed().replaceAll('\u0000', '\uFFFD') : value,
  ) as unknown;
  return { key: String(update.update_id), payload };
}
