import { integer, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { time } from './columns.ts';

/** Work that one process at a time does, such as a bot's connection to its platform. */
export const leaderships = pgTable('leaderships', {
  name: text('name').primaryKey(),
  holder: uuid('holder').notNull(),
  /** Raised at every change of the holder. */
  epoch: integer('epoch').notNull().default(1),
  /** By the database's clock. */
  expiresAt: time('expires_at').notNull(),
});
