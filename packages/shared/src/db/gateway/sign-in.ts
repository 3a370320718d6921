import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { apiAccountSchema, openAccount, type ApiAccount } from './api-accounts.ts';
import { hashSecret, randomSecret } from './secret-text.ts';
import { uuidSchema } from '../../contracts/identity.ts';

/** How long a sign-in link can be used. */
export const signInLinkMs = 10 * 60_000;
/** How long a browser stays signed in after its last visit. */
const sessionMs = 30 * 24 * 3_600_000;

export interface SignInLink {
  /** For the person alone: whoever opens it first is signed in as them. */
  url: string;
  expiresAt: Date;
}

/**
 * A link that signs one browser in as this person, once, within ten minutes: for `/signin` in a chat, shown to the person
 * alone. Undefined: no gateway has said where it is reached.
 */
export async function createSignInLink(
  db: Pick<Database, 'sql'>,
  personId: string,
  code: string = randomSecret(''),
): Promise<SignInLink | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with gateway as (
      select url from service_addresses where service = 'gateway'
    ), made as (
      insert into sign_in_codes (code_hash, person_id, expires_at)
      select ${hashSecret(code)}, ${personId}::uuid, now() + ${signInLinkMs} * interval '1 millisecond' from gateway
      returning expires_at
    )
    select gateway.url, made.expires_at from gateway, made`,
  );
  const row = z.object({ url: z.string(), expiresAt: z.date() }).optional().parse(rows[0]);
  if (row === undefined) return undefined;
  return { url: `${row.url.replace(/\/$/, '')}/sign-in#${code}`, expiresAt: row.expiresAt };
}

export interface OpenedSession {
  /** What the cookie holds. */
  secret: string;
  expiresAt: Date;
  account: ApiAccount;
}

/**
 * Uses a code up and opens a session for its person. Undefined: it is unknown, was used, or its time is over; a second
 * use says nothing about the first.
 */
export async function useSignInCode(
  db: Pick<Database, 'sql'>,
  code: string,
  userAgent: string | undefined,
): Promise<OpenedSession | undefined> {
  const used = await withDatabaseErrors(
    () => db.sql`
    update sign_in_codes set used_at = now()
    where code_hash = ${hashSecret(code)} and used_at is null and expires_at > now() returning person_id`,
  );
  if (used[0] === undefined) return undefined;
  const account = await openAccount(db, uuidSchema.parse(used[0]['personId']));
  return account === undefined ? undefined : openSession(db, account, userAgent);
}

/** Signs a browser in. */
async function openSession(
  db: Pick<Database, 'sql'>,
  account: ApiAccount,
  userAgent: string | undefined,
  secret: string = randomSecret(''),
): Promise<OpenedSession> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into api_sessions (secret_hash, account, user_agent, expires_at)
    values (${hashSecret(secret)}, ${account.account}, ${userAgent?.slice(0, 300) ?? null},
      now() + ${sessionMs} * interval '1 millisecond')
    returning expires_at`,
  );
  return { secret, account, expiresAt: z.date().parse(rows[0]?.['expiresAt']) };
}

const sessionSchema = apiAccountSchema.extend({ id: uuidSchema, expiresAt: z.date() });
export type ApiSession = z.infer<typeof sessionSchema>;

/** Whose session this is, if it still is one. */
export async function findSession(db: Pick<Database, 'sql'>, secret: string): Promise<ApiSession | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select s.id, s.account, s.expires_at, p.id as person_id, p.display_name, p.language
    from api_sessions s join identities i on i.door = 'api' and i.platform_id = s.account join people p on p.id = i.person_id
    where s.secret_hash = ${hashSecret(secret)} and s.ended_at is null and s.expires_at > now()`,
  );
  return rows[0] === undefined ? undefined : sessionSchema.parse(rows[0]);
}

/** Keeps a session that is in use for another while, at most once an hour. */
export async function touchSession(db: Pick<Database, 'sql'>, id: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update api_sessions set last_used_at = now(), expires_at = now() + ${sessionMs} * interval '1 millisecond'
    where id = ${id} and ended_at is null and last_used_at < now() - interval '1 hour'`,
  );
}

/** Signs a browser out: its cookie is worth nothing from now on. */
export async function endSession(db: Pick<Database, 'sql'>, id: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`update api_sessions set ended_at = now() where id = ${id} and ended_at is null`,
  );
}

/** Forgets codes and sessions that are over. */
export async function forgetOldSignIns(db: Pick<Database, 'sql'>): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    with codes as (delete from sign_in_codes where expires_at < now() - interval '1 day')
    delete from api_sessions where expires_at < now() - interval '1 day' or ended_at < now() - interval '1 day'`,
  );
}

/** Where people reach a service, as it said at its start. Undefined: it never ran. */
export async function readAddress(db: Pick<Database, 'sql'>, service: string): Promise<string | undefined> {
  const rows = await withDatabaseErrors(() => db.sql`select url from service_addresses where service = ${service}`);
  return rows[0] === undefined ? undefined : String(rows[0]['url']).replace(/\/$/, '');
}

/** Says where people reach a service, for links in chats. */
export async function announceAddress(db: Pick<Database, 'sql'>, service: string, url: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    insert into service_addresses (service, url) values (${service}, ${url})
    on conflict (service) do update set url = excluded.url, updated_at = now()`,
  );
}
