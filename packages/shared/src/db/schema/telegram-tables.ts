import { pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/** Chats that asked for silence (`retry_after`), so that a restart does not forget it. */
export const chatSilences = pgTable('chat_silences', {
  /** `door:chat id` */
  chat: text('chat').primaryKey(),
  until: timestamp('until', { withTimezone: true, precision: 6 }).notNull(),
});
