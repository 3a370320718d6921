import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { auditedIn } from '../operators/admin-audit.ts';
import { apiAccountSchema } from './api-accounts.ts';
import { hashSecret, randomSecret } from './secret-text.ts';

/**
 * What a token may do.
 * - `read`: jobs, files, queue, recipes, models.
 * - `submit`: ask for work, cancel one's own, upload.
 * - `webhooks`: set up where results are told.
 * - `tokens`: make and revoke tokens of the same person, with no more rights than its own.
 * - `admin`: what operators may.
 */
export const apiScopeSchema = z.enum(['read', 'submit', 'webhooks', 'tokens', 'admin']);
export type ApiScope = z.infer<typeof apiScopeSchema>;
export const usualScopes: readonly ApiScope[] = ['read', 'submit', 'webhooks'];

const apiLimitsSchema = z.object({
  /** Requests a minute. */
  perMinute: z.int().min(1).nullable(),
  /** Submissions a day (UTC). */
  perDay: z.int().min(1).nullable(),
  /** Unfinished submissions at a time. */
  openRequests: z.int().min(1).nullable(),
});
export type ApiLimits = z.infer<typeof apiLimitsSchema>;
export const noLimits: ApiLimits = { perMinute: null, perDay: null, openRequests: null };

const apiTokenRecordSchema = apiLimitsSchema.extend({
  id: uuidSchema,
  account: z.string(),
  name: z.string(),
  hint: z.string(),
  scopes: z.array(apiScopeSchema),
  createdAt: z.date(),
  expiresAt: z.date().nullable(),
  lastUsedAt: z.date().nullable(),
  revokedAt: z.date().nullable(),
});
export type ApiTokenRecord = z.infer<typeof apiTokenRecordSchema>;

const tokenWithPersonSchema = apiTokenRecordSchema.extend(apiAccountSchema.omit({ account: true }).shape);
/** A token with whose it is. */
export type ApiTokenWithPerson = z.infer<typeof tokenWithPersonSchema>;

const apiTokenPrefix = 'atl_';
/** Valid or expired ones that a person may have. */
export const maxTokensOfPerson = 100;

export interface NewApiToken {
  account: string;
  name: string;
  scopes: readonly ApiScope[];
  limits?: Partial<ApiLimits>;
  expiresAt?: Date | undefined;
}

/** Makes a token. `secret` is the token itself: shown once, and kept only as a hash. */
export async function createApiToken(
  db: Pick<Database, 'sql'>,
  token: NewApiToken,
  secret: string = randomSecret(apiTokenPrefix),
): Promise<{ secret: string; token: ApiTokenRecord }> {
  const limits = { ...noLimits, ...token.limits };
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into api_tokens (account, name, secret_hash, hint, scopes, per_minute, per_day, open_requests, expires_at)
    values (${token.account}, ${token.name}, ${hashSecret(secret)}, ${secret.slice(0, apiTokenPrefix.length + 4)},
      ${[...token.scopes]}, ${limits.perMinute}, ${limits.perDay}, ${limits.openRequests}, ${token.expiresAt ?? null})
    returning *`,
  );
  return { secret, token: apiTokenRecordSchema.parse(rows[0]) };
}

/** Whose token this is. Undefined: there is none, it was revoked, or its time is over. */
export async function findApiToken(db: Pick<Database, 'sql'>, secret: string): Promise<ApiTokenWithPerson | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select t.*, p.id as person_id, p.display_name, p.language
    from api_tokens t join identities i on i.door = 'api' and i.platform_id = t.account join people p on p.id = i.person_id
    where t.secret_hash = ${hashSecret(secret)} and t.revoked_at is null and (t.expires_at is null or t.expires_at > now())`,
  );
  return rows[0] === undefined ? undefined : tokenWithPersonSchema.parse(rows[0]);
}

/** Notes that a token is in use, at most once a minute. */
export async function touchApiToken(db: Pick<Database, 'sql'>, id: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update api_tokens set last_used_at = now()
    where id = ${id} and (last_used_at is null or last_used_at < now() - interval '1 minute')`,
  );
}

/** The tokens of a person, or of everybody, newest first; revoked ones stay listed for 30 days. */
export async function listApiTokens(db: Pick<Database, 'sql'>, personId?: string): Promise<ApiTokenWithPerson[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select t.*, p.id as person_id, p.display_name, p.language
    from api_tokens t join identities i on i.door = 'api' and i.platform_id = t.account join people p on p.id = i.person_id
    where (t.revoked_at is null or t.revoked_at > now() - interval '30 days')
      ${personId === undefined ? db.sql`` : db.sql`and i.person_id = ${personId}`}
    order by t.created_at desc limit 1000`,
  );
  return rows.map((row) => tokenWithPersonSchema.parse(row));
}

/**
 * Ends a token at once. False: there is none with this id, or it is another person's.
 *
 * @param personId whose it must be; absent for an operator.
 */
export async function revokeApiToken(db: Pick<Database, 'sql'>, id: string, personId?: string): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update api_tokens t set revoked_at = coalesce(t.revoked_at, now())
    from identities i
    where t.id = ${id} and i.door = 'api' and i.platform_id = t.account
      ${personId === undefined ? db.sql`` : db.sql`and i.person_id = ${personId}`}
    returning t.id`,
  );
  return rows.length > 0;
}

/** An operator ends anybody's token, with a trace in the audit. False: there is none with this id. */
export async function revokeAnyApiToken(
  db: Pick<Database, 'sql'>,
  change: { actor: string; id: string },
): Promise<boolean> {
  const { actor, id } = change;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      update api_tokens set revoked_at = coalesce(revoked_at, now()) where id = ${id} returning id
    ), audited as (
      ${auditedIn(db, { actor, action: 'revoke_token', target: id }, 'changed')}
    )
    select id from changed`,
  );
  return rows.length > 0;
}

export type QuotaOutcome =
  | { outcome: 'counted' }
  /** What is used up, and its size. */
  | { outcome: 'used_up'; limit: 'perDay' | 'openRequests'; allowed: number };

/**
 * Counts one submission against a token's quotas, in one statement: the row of the day is locked by it, so two at the same
 * instant cannot both take the last one of a day. `openRequests` counts what this token asked for and is unfinished.
 */
export async function countSubmission(
  db: Pick<Database, 'sql'>,
  token: { id: string; personId: string; limits: ApiLimits },
): Promise<QuotaOutcome> {
  const { perDay, openRequests } = token.limits;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with open as (
      select count(*)::int as requests from requests
      where ${openRequests !== null} and person_id = ${token.personId} and finished_at is null and door = 'api'
        and place->>'userId' = ${token.id}
    ), counted as (
      insert into api_token_days as d (token_id, day, requests)
      select ${token.id}::uuid, (now() at time zone 'UTC')::date, 1 from open
      where ${openRequests}::int is null or open.requests < ${openRequests}::int
      on conflict (token_id, day) do update set requests = d.requests + 1
        where ${perDay}::int is null or d.requests < ${perDay}::int
      returning requests
    )
    select (select requests from counted) as requests,
      ${openRequests}::int is not null and open.requests >= ${openRequests}::int as full from open`,
  );
  const row = z.object({ requests: z.int().nullable(), full: z.boolean() }).parse(rows[0]);
  if (row.full) return { outcome: 'used_up', limit: 'openRequests', allowed: openRequests ?? 0 };
  if (row.requests === null) return { outcome: 'used_up', limit: 'perDay', allowed: perDay ?? 0 };
  return { outcome: 'counted' };
}
