import { sql } from 'drizzle-orm';
import {
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  smallint,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Place } from '../../contracts/identity.ts';
import { generatedId, time, timeOfWriting } from './columns.ts';

/*
 * What the chats keep for themselves: settings, rules, saved workflows, codes, and messages to channels that belong to
 * no request of their own.
 */

/** What a channel has set, and where its queue board stands. */
export const chatChannels = pgTable(
  'chat_channels',
  {
    door: text('door').notNull(),
    placeId: text('place_id').notNull(),
    place: jsonb('place').$type<Place>().notNull(),
    settings: jsonb('settings').$type<Record<string, unknown>>().notNull().default({}),
    boardRef: jsonb('board_ref').$type<Record<string, unknown>>(),
    updatedAt: timeOfWriting('updated_at'),
  },
  (table) => [primaryKey({ columns: [table.door, table.placeId] })],
);

export const personSettings = pgTable('person_settings', {
  personId: uuid('person_id').primaryKey(),
  settings: jsonb('settings').$type<Record<string, unknown>>().notNull(),
  updatedAt: timeOfWriting('updated_at'),
});

/** Names for words and options, typed behind `--style`: a person's own, or `house` for everybody's. */
export const chatStyles = pgTable(
  'chat_styles',
  {
    owner: text('owner').notNull(),
    name: text('name').notNull(),
    /** As typed: words behind the prompt, and `--options`. */
    words: text('words').notNull(),
    updatedAt: timeOfWriting('updated_at'),
  },
  (table) => [primaryKey({ columns: [table.owner, table.name] })],
);

/** Who may do what: see `decideAccess` in the bot. `command` is `*` for all. */
export const accessRules = pgTable(
  'access_rules',
  {
    door: text('door').notNull(),
    /** guild, channel, role, person */
    scope: text('scope').notNull(),
    /** The platform's id of it. */
    subject: text('subject').notNull(),
    command: text('command').notNull().default('*'),
    /** allow, deny */
    effect: text('effect').notNull(),
    updatedAt: timeOfWriting('updated_at'),
  },
  (table) => [primaryKey({ columns: [table.door, table.scope, table.subject, table.command] })],
);

/** What operators set for everybody, a value a key. */
export const chatLimits = pgTable('chat_limits', {
  key: text('key').primaryKey(),
  value: jsonb('value').$type<unknown>().notNull(),
  updatedAt: timeOfWriting('updated_at'),
});

/** One-time codes by which a person of one platform becomes the same on another. */
export const linkCodes = pgTable(
  'link_codes',
  {
    /** SHA-256 of the code. */
    codeHash: text('code_hash').primaryKey(),
    personId: uuid('person_id').notNull(),
    /** It also opens the page. */
    signsIn: boolean('signs_in').notNull().default(false),
    expiresAt: time('expires_at').notNull(),
    usedAt: time('used_at'),
    /** Who was moved to the person; the same where they were one already. */
    movedPersonId: uuid('moved_person_id'),
  },
  (table) => [index('link_codes_expiring').on(table.expiresAt)],
);

/** What somebody did with a whole request, beside its result. */
export const requestMarks = pgTable('request_marks', {
  requestId: uuid('request_id').primaryKey(),
  /** Its author took its pictures away. */
  deletedAt: time('deleted_at'),
  /** Its author showed it to everybody. */
  sharedAt: time('shared_at'),
});

/** What people found wrong with a result. */
export const chatReports = pgTable(
  'chat_reports',
  {
    requestId: uuid('request_id').notNull(),
    personId: uuid('person_id').notNull(),
    picture: smallint('picture'),
    reason: text('reason').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.requestId, table.personId] }),
    index('chat_reports_created').on(table.createdAt),
  ],
);

/** Messages to channels: shared results and notices for operators. States as those of deliveries. */
export const chatPosts = pgTable(
  'chat_posts',
  {
    id: generatedId(),
    /** What it says and where: the same thing is said once. */
    key: text('key').notNull(),
    door: text('door').notNull(),
    place: jsonb('place').$type<Place>().notNull(),
    /** share, notice */
    kind: text('kind').notNull(),
    requestId: uuid('request_id'),
    picture: smallint('picture'),
    /** Of a notice: the text in each language. */
    text: jsonb('text').$type<{ en: string; zh: string }>(),
    state: text('state').notNull().default('pending'),
    holder: uuid('holder'),
    epoch: integer('epoch').notNull().default(0),
    leaseExpiresAt: time('lease_expires_at'),
    attempts: integer('attempts').notNull().default(0),
    notBefore: time('not_before'),
    sendingAt: time('sending_at'),
    messageRef: jsonb('message_ref').$type<Record<string, unknown>>(),
    error: text('error'),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    uniqueIndex('chat_posts_key').on(table.key),
    index('chat_posts_open')
      .on(table.createdAt)
      .where(sql`state in ('pending', 'sending')`),
  ],
);
