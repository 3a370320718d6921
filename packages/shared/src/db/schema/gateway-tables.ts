import { sql } from 'drizzle-orm';
import { date, index, integer, pgTable, primaryKey, smallint, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { generatedId, safeInteger, time, timeOfWriting } from './columns.ts';

/*
 * The gateway's own rows. An *account* is how the door `api` knows a person: `identities.platform_id` there. Tokens,
 * sessions, files and webhooks belong to an account, so that linking, which moves identities, moves them too.
 */

/** Bearer tokens of programs. Only the hash of a token is kept. */
export const apiTokens = pgTable(
  'api_tokens',
  {
    id: generatedId(),
    account: text('account').notNull(),
    name: text('name').notNull(),
    /** SHA-256 of the token, in hex. The token is 256 random bits, so nothing slower is needed. */
    secretHash: text('secret_hash').notNull(),
    /** Its first characters, for telling tokens apart. */
    hint: text('hint').notNull(),
    scopes: text('scopes').array().notNull(),
    /** Requests a minute, requests a day (UTC), unfinished requests at a time; absent: unlimited. */
    perMinute: integer('per_minute'),
    perDay: integer('per_day'),
    openRequests: integer('open_requests'),
    createdAt: timeOfWriting('created_at'),
    expiresAt: time('expires_at'),
    lastUsedAt: time('last_used_at'),
    revokedAt: time('revoked_at'),
  },
  (table) => [uniqueIndex('api_tokens_secret').on(table.secretHash), index('api_tokens_account').on(table.account)],
);

/** What each token asked for in a day (UTC). */
export const apiTokenDays = pgTable(
  'api_token_days',
  {
    tokenId: uuid('token_id')
      .notNull()
      .references(() => apiTokens.id, { onDelete: 'cascade' }),
    day: date('day').notNull(),
    requests: integer('requests').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.tokenId, table.day] })],
);

/** One-time codes of sign-in links, by hash. */
export const signInCodes = pgTable(
  'sign_in_codes',
  {
    codeHash: text('code_hash').primaryKey(),
    personId: uuid('person_id').notNull(),
    createdAt: timeOfWriting('created_at'),
    expiresAt: time('expires_at').notNull(),
    usedAt: time('used_at'),
  },
  (table) => [index('sign_in_codes_expiring').on(table.expiresAt)],
);

/** Browsers that are signed in, by the hash of what their cookie holds. */
export const apiSessions = pgTable(
  'api_sessions',
  {
    id: generatedId(),
    secretHash: text('secret_hash').notNull(),
    account: text('account').notNull(),
    userAgent: text('user_agent'),
    createdAt: timeOfWriting('created_at'),
    expiresAt: time('expires_at').notNull(),
    lastUsedAt: timeOfWriting('last_used_at'),
    endedAt: time('ended_at'),
  },
  (table) => [
    uniqueIndex('api_sessions_secret').on(table.secretHash),
    index('api_sessions_account').on(table.account),
    index('api_sessions_expiring').on(table.expiresAt),
  ],
);

/** Files that an account uploaded, under the names that its workflows use. */
export const apiFiles = pgTable(
  'api_files',
  {
    account: text('account').notNull(),
    /** ComfyUI's folder: `input`, `temp`. */
    folder: text('folder').notNull(),
    subfolder: text('subfolder').notNull().default(''),
    filename: text('filename').notNull(),
    hash: text('hash').notNull(),
    mediaType: text('media_type').notNull(),
    bytes: safeInteger('bytes').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.account, table.folder, table.subfolder, table.filename] }),
    index('api_files_hash').on(table.hash),
  ],
);

export const webhookEndpoints = pgTable(
  'webhook_endpoints',
  {
    id: generatedId(),
    account: text('account').notNull(),
    url: text('url').notNull(),
    /** Signs what is sent (Standard Webhooks); kept as it is, because each message needs it. */
    secret: text('secret').notNull(),
    /** Which ends of a job are told, such as `job.succeeded`. */
    events: text('events').array().notNull(),
    /** Jobs that came through these are told. */
    doors: text('doors').array().notNull().default(['api']),
    description: text('description').notNull().default(''),
    createdAt: timeOfWriting('created_at'),
    disabledAt: time('disabled_at'),
    /** Given up in a row; reset by a success. */
    deadInRow: integer('dead_in_row').notNull().default(0),
  },
  (table) => [index('webhook_endpoints_account').on(table.account)],
);

/** Messages owed to webhooks: pending -> sent | dead. Once an endpoint, event and request. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: generatedId(),
    endpointId: uuid('endpoint_id')
      .notNull()
      .references(() => webhookEndpoints.id, { onDelete: 'cascade' }),
    event: text('event').notNull(),
    /** Absent for a message that tries an endpoint out. */
    requestId: uuid('request_id'),
    state: text('state').notNull().default('pending'),
    attempts: smallint('attempts').notNull().default(0),
    /** Raised at every claim: who holds an older one writes nothing. */
    epoch: integer('epoch').notNull().default(0),
    leaseExpiresAt: time('lease_expires_at'),
    notBefore: time('not_before'),
    createdAt: timeOfWriting('created_at'),
    sentAt: time('sent_at'),
    /** HTTP status of the last answer. */
    status: integer('status'),
    error: text('error'),
  },
  (table) => [
    uniqueIndex('webhook_deliveries_once')
      .on(table.endpointId, table.event, table.requestId)
      .where(sql`request_id is not null`),
    index('webhook_deliveries_open')
      .on(table.createdAt)
      .where(sql`state = 'pending'`),
    index('webhook_deliveries_endpoint').on(table.endpointId, table.createdAt),
  ],
);

/** Where people reach a service, as it said at its start: what links in chats point to. */
export const serviceAddresses = pgTable('service_addresses', {
  service: text('service').primaryKey(),
  url: text('url').notNull(),
  updatedAt: timeOfWriting('updated_at'),
});

/** Keys that every gateway of an installation shares, made by the first one. */
export const gatewayKeys = pgTable('gateway_keys', {
  name: text('name').primaryKey(),
  secret: text('secret').notNull(),
  createdAt: timeOfWriting('created_at'),
});
