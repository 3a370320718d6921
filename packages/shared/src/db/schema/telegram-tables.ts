import { pgTable, text } from 'drizzle-orm/pg-core';
import { time } from './columns.ts';

/** Chats that asked for silence (`retry_after`), so that a restart does not forget it. */
export const chatSilences = pgTable('chat_silences', {
  /** `door:chat id` */
  chat: text('chat').primaryKey(),
  until: time('until').notNull(),
});
