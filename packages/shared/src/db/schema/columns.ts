import { sql } from 'drizzle-orm';
import { bigint, customType, timestamp, uuid } from 'drizzle-orm/pg-core';

/*
 * The columns that many tables share, each with one meaning. A table file names what it is made of; how Postgres keeps it
 * stands here.
 */

/** An instant by the database's clock, to the microsecond. */
export const time = (name: string) => timestamp(name, { withTimezone: true, precision: 6 });

/** An instant that is when the row was written, unless a statement says otherwise. */
export const timeOfWriting = (name: string) =>
  time(name)
    .notNull()
    .default(sql`now()`);

/** An id that Postgres makes up. */
export const generatedId = () =>
  uuid('id')
    .primaryKey()
    .default(sql`gen_random_uuid()`);

/** A whole number that JavaScript holds exactly (up to 2^53-1): bytes, tokens, millionths of a dollar. */
export const safeInteger = (name: string) => bigint(name, { mode: 'number' });

/** Bytes as they are. */
export const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });
