import type { IncomingHttpHeaders } from 'node:http';
import type { Logger } from 'pino';
import { isLoopbackHost } from '@atelier/shared/config/is-loopback-host';
import type { Database } from '@atelier/shared/db/connect-database';
import { openNamedAccount, type ApiAccount } from '@atelier/shared/db/gateway/api-accounts';
import {
  apiScopeSchema,
  findApiToken,
  noLimits,
  touchApiToken,
  usualScopes,
} from '@atelier/shared/db/gateway/api-tokens';
import { findSession, touchSession } from '@atelier/shared/db/gateway/sign-in';
import type { Principal } from '../core/principal.ts';
import { problem } from '../core/problems/to-problem.ts';

/** What is looked at of a call: an HTTP request or an upgrade, of this server or of another door. */
export interface Call {
  headers: IncomingHttpHeaders;
  remoteAddress: string | undefined;
  /** Changes something, or opens a socket: then a cookie alone is not enough, a foreign page could have sent it. */
  acts: boolean;
}

export interface IdentityOptions {
  db: Database;
  log: Logger;
  /** Calls from this machine need no token. */
  open: boolean;
  /** Pages elsewhere that may act for their visitors. */
  origins: readonly string[];
}

export interface Identity {
  /**
   * Who calls. Undefined: they showed nothing.
   *
   * @throws AppError (`UNAUTHENTICATED`) for a token or a session that is not valid, (`FORBIDDEN`) for a page elsewhere that
   *   acts with somebody's cookie.
   */
  identify(call: Call): Promise<Principal | undefined>;
  /** As {@link identify}, and nobody is refused. */
  require(call: Call): Promise<Principal>;
}

export const sessionCookie = 'atelier_session';
const notedMs = 60_000;
const maxNoted = 10_000;
/** A session may do what its person may, except what operators do. */
const sessionScopes = [...usualScopes, 'tokens'] as const;
const forwarding = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'] as const;

/** Looks at tokens, cookies and, on an open loopback gateway, at where a call comes from. */
export function createIdentity(options: IdentityOptions): Identity {
  const { db, log } = options;
  let local: Promise<ApiAccount> | undefined;

  async function byToken(secret: string): Promise<Principal> {
    const token = await findApiToken(db, secret);
    if (token === undefined) throw unauthenticated();
    if (isDue(token.id)) note(touchApiToken(db, token.id));
    const { personId, account, displayName, language, id, scopes, perMinute, perDay, openRequests } = token;
    const limits = { perMinute, perDay, openRequests };
    return { personId, account, displayName, language, kind: 'token', credentialId: id, scopes, limits };
  }

  async function bySession(secret: string, call: Call): Promise<Principal> {
    const session = await findSession(db, secret);
    if (session === undefined) throw unauthenticated();
    if (call.acts && !isOwnPage(call.headers, options.origins)) throw foreignPage();
    if (isDue(session.id)) note(touchSession(db, session.id));
    const { personId, account, displayName, language, id } = session;
    return {
      personId,
      account,
      displayName,
      language,
      kind: 'session',
      credentialId: id,
      scopes: sessionScopes,
      limits: noLimits,
    };
  }

  async function byPlace(call: Call): Promise<Principal | undefined> {
    if (!options.open || !isFromThisMachine(call)) return undefined;
    // A page elsewhere could point its own name at this machine, or call it by its address.
    if (!isLoopbackHost(hostOf(call.headers)) || !isOwnPage(call.headers, options.origins)) throw foreignPage();
    local ??= openNamedAccount(db, 'local', { displayName: 'Local', language: 'en' });
    try {
      const { personId, account, displayName, language } = await local;
      return {
        personId,
        account,
        displayName,
        language,
        kind: 'local',
        credentialId: 'local',
        scopes: apiScopeSchema.options,
        limits: noLimits,
      };
    } catch (error) {
      local = undefined;
      throw error;
    }
  }

  /** Their rows change once a minute: asked more often, they would only cost a statement. */
  const noted = new Map<string, number>();
  function isDue(id: string): boolean {
    const now = performance.now();
    if (now - (noted.get(id) ?? -Infinity) < notedMs) return false;
    if (noted.size >= maxNoted) noted.clear();
    noted.set(id, now);
    return true;
  }

  function note(work: Promise<void>): void {
    work.catch((error: unknown) => log.debug({ err: error }, 'the last use was not noted'));
  }

  async function identify(call: Call): Promise<Principal | undefined> {
    const token = tokenOf(call.headers);
    if (token !== undefined) return byToken(token);
    const session = cookieOf(call.headers, sessionCookie);
    if (session !== undefined) {
      const principal = await bySession(session, call).catch((error: unknown) => error);
      if (!(principal instanceof Error)) return principal as Principal;
      // An old cookie does not shut the machine's own person out.
      return (await byPlace(call)) ?? Promise.reject(principal);
    }
    return byPlace(call);
  }

  return {
    identify,
    async require(call) {
      const principal = await identify(call);
      if (principal === undefined) throw unauthenticated();
      return principal;
    },
  };
}

/** The token that a call shows: `Authorization: Bearer`, `X-API-Key`, or a WebSocket protocol `bearer.<token>`. */
function tokenOf(headers: IncomingHttpHeaders): string | undefined {
  const bearer = /^Bearer +([\w.~+/=-]{1,500})$/i.exec(headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return bearer;
  if (headers.authorization !== undefined) throw unauthenticated();
  const key = headers['x-api-key'];
  if (typeof key === 'string' && key !== '') return key.slice(0, 500);
  const protocols = headers['sec-websocket-protocol']?.split(',') ?? [];
  return protocols
    .map((protocol) => /^\s*bearer\.([\w-]{1,500})\s*$/.exec(protocol)?.[1])
    .find((token) => token !== undefined);
}

function cookieOf(headers: IncomingHttpHeaders, name: string): string | undefined {
  if (headers.cookie === undefined || headers.cookie.length > 16_384) return undefined;
  const start = `${name}=`;
  const found = headers.cookie
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(start));
  const value = found?.slice(start.length) ?? '';
  // Ours are of these characters alone.
  return /^[\w-]{1,500}$/.test(value) ? value : undefined;
}

/** Browsers name the origin of everything that changes something; what names none is no page elsewhere. */
export function isOwnPage(headers: IncomingHttpHeaders, origins: readonly string[]): boolean {
  const { origin } = headers;
  if (origin === undefined) {
    const site = headers['sec-fetch-site'];
    return site === undefined || site === 'same-origin' || site === 'none';
  }
  if (origins.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === headers.host;
}

function isFromThisMachine(call: Call): boolean {
  const address = call.remoteAddress?.replace(/^::ffff:/, '');
  if (address === undefined || !isLoopbackHost(address)) return false;
  // What a proxy passes on comes from elsewhere, although the proxy itself is here.
  return forwarding.every((name) => call.headers[name] === undefined);
}

function hostOf(headers: IncomingHttpHeaders): string {
  const { host = '' } = headers;
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : '';
}

export function unauthenticated() {
  return problem(
    'UNAUTHENTICATED',
    'Sign in first: send a valid token as "Authorization: Bearer …", or open a sign-in link from the chat.',
    '请先登录：以 "Authorization: Bearer …" 发送有效令牌，或打开聊天中的登录链接。',
  );
}

function foreignPage() {
  return problem(
    'FORBIDDEN',
    'A page from another address may not act here: ask the operator to name it in ATELIER_GATEWAY_ORIGINS.',
    '来自其他地址的页面不能在此操作：请让管理员在 ATELIER_GATEWAY_ORIGINS 中添加该地址。',
  );
}
