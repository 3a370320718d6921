import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { languageSchema, type Language, type Place, type PlatformUser } from '@atelier/shared/contracts/identity';
import { AppError } from '@atelier/shared/errors/app-error';

/** Who is on the other end of an HTTP request. */
export interface Viewer {
  user: PlatformUser & { door: 'web' | 'cli' };
  place: Place;
}

export interface WebIdentityOptions {
  cookieKey: string;
  /** What people sign in with; undefined: the page is on loopback and open. */
  token: string | undefined;
  randomId: () => string;
}

export interface WebIdentity {
  /** True with the access cookie or a bearer token, and always when no token is set. */
  maySee(request: FastifyRequest): boolean;
  /** Checks the access token in constant time and sets the access cookie. */
  signIn(request: FastifyRequest, reply: FastifyReply, token: string): boolean;
  /** Sets the access cookie for who proved otherwise that they may come in. */
  admit(request: FastifyRequest, reply: FastifyReply): void;
  signOut(reply: FastifyReply): void;
  /** Who asks; gives a browser without one its identity cookie. */
  viewer(request: FastifyRequest, reply: FastifyReply): Viewer;
  rename(request: FastifyRequest, reply: FastifyReply, displayName: string): void;
}

const idCookie = 'atelier_id';
const nameCookie = 'atelier_name';
const accessCookie = 'atelier_access';
const yearSeconds = 365 * 24 * 3_600;
const terminalSchema = z.object({
  id: z.string().regex(/^[\w.@-]{1,100}$/),
  name: z.string().trim().min(1).max(60),
});

/**
 * Identity of the page's people: a random id in a signed HttpOnly cookie, so that nobody can name another one. The
 * terminal command names itself in headers, which no foreign page can send.
 */
export function createWebIdentity(options: WebIdentityOptions): WebIdentity {
  const { cookieKey, token } = options;

  /** Of the token in use: a new token signs everybody out. */
  function accessValue(): string {
    return createHmac('sha256', cookieKey).update(`access ${token}`).digest('hex');
  }

  function cookieSettings(request: FastifyRequest) {
    return {
      path: '/',
      httpOnly: true,
      sameSite: 'lax' as const,
      signed: true,
      maxAge: yearSeconds,
      secure: request.protocol === 'https',
    };
  }

  function readCookie(request: FastifyRequest, name: string): string | undefined {
    const raw = request.cookies[name];
    if (raw === undefined) return undefined;
    const result = request.unsignCookie(raw);
    return result.valid ? result.value : undefined;
  }

  function terminalViewer(request: FastifyRequest): Viewer | undefined {
    if (request.headers['x-atelier-door'] !== 'cli') return undefined;
    const parsed = terminalSchema.safeParse({
      id: request.headers['x-atelier-user'],
      name: decodeHeader(request.headers['x-atelier-name']) ?? 'Terminal',
    });
    if (!parsed.success) {
      throw new AppError('invalid_input', 'the terminal command did not name its user', {
        publicMessage: {
          en: 'Name the user in the header x-atelier-user: 1 to 100 letters, digits or . _ @ -',
          zh: '请在 x-atelier-user 请求头中指定用户：1 到 100 个字母、数字或 . _ @ -',
        },
      });
    }
    const { id, name } = parsed.data;
    return {
      user: { door: 'cli', id, displayName: name, language: languageOf(request) },
      place: { door: 'cli', id },
    };
  }

  return {
    maySee(request) {
      if (token === undefined) return true;
      const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
      if (bearer !== undefined) return sameText(bearer, token);
      const access = readCookie(request, accessCookie);
      return access !== undefined && sameText(access, accessValue());
    },
    admit(request, reply) {
      reply.setCookie(accessCookie, accessValue(), cookieSettings(request));
    },
    signIn(request, reply, given) {
      if (token === undefined || !sameText(given, token)) return false;
      reply.setCookie(accessCookie, accessValue(), cookieSettings(request));
      return true;
    },
    signOut(reply) {
      reply.clearCookie(accessCookie, { path: '/' });
    },
    viewer(request, reply) {
      const terminal = terminalViewer(request);
      if (terminal !== undefined) return terminal;
      let id = readCookie(request, idCookie);
      if (id === undefined) {
        id = options.randomId();
        reply.setCookie(idCookie, id, cookieSettings(request));
      }
      const language = languageOf(request);
      const displayName = readCookie(request, nameCookie) ?? guestName(id, language);
      return { user: { door: 'web', id, displayName, language }, place: { door: 'web', id } };
    },
    rename(request, reply, displayName) {
      reply.setCookie(nameCookie, displayName, cookieSettings(request));
    },
  };
}

/** The language that the page shows: its `lang` parameter, else what the browser prefers. */
export function languageOf(request: FastifyRequest): Language {
  const { lang } = request.query as { lang?: unknown };
  const chosen = languageSchema.safeParse(lang ?? request.headers['x-atelier-language']);
  if (chosen.success) return chosen.data;
  return /^\s*zh\b/i.test(request.headers['accept-language'] ?? '') ? 'zh' : 'en';
}

/** Until they choose a name. Two digits of the id tell guests apart. */
function guestName(id: string, language: Language): string {
  const number = (createHash('sha256').update(id).digest().readUInt16BE(0) % 900) + 100;
  return language === 'zh' ? `访客 ${number}` : `Guest ${number}`;
}

function decodeHeader(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Hashes make the lengths equal, so the time tells nothing. */
function sameText(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
