import cookie from '@fastify/cookie';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { deliverToWeb } from '@atelier/shared/db/deliveries/delivery-store';
import { ensurePerson, parseLinkCode, useLinkCode } from '@atelier/shared/db/chat/link-codes';
import type { Database } from '@atelier/shared/db/connect-database';
import { readOutputMediaType } from '@atelier/shared/db/jobs/read-jobs';
import { findPersonId, renamePerson } from '@atelier/shared/db/people/person-store';
import { AppError, toPublicError, type AppErrorCode } from '@atelier/shared/errors/app-error';
import type { LiveBoard } from '@atelier/shared/live/live-board';
import { listenAt } from '@atelier/shared/net/listen-at';
import type { RateLimit } from '../../core/access/rate-limit.ts';
import type { WebConfig } from '../../config.ts';
import type { ChatAdapter, ChatCore } from '../../ports.ts';
import type { CardFeed } from '../../state/card-feed.ts';
import type { CardReader } from '../../state/card-reader.ts';
import type { PeopleCache } from '../../state/people-cache.ts';
import type { QueueWatch } from '../../state/queue-watch.ts';
import type { StatusWatch } from '../../state/status-watch.ts';
import { registerApiRoutes } from './api-routes.ts';
import { registerAssetRoutes } from './asset-routes.ts';
import { registerPageRoutes } from './page-routes.ts';
import type { SignedFiles } from './signed-files.ts';
import { guardRequests } from './web-guard.ts';
import { createWebIdentity } from './web-identity.ts';
import { createWebViewers } from './web-viewers.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Reachable without the access token. */
    isPublic?: boolean;
  }
}

export interface WebAdapterDeps {
  config: WebConfig;
  cookieKey: string;
  db: Database;
  chat: ChatCore;
  reader: CardReader;
  feed: CardFeed;
  queue: QueueWatch;
  board: LiveBoard;
  status: StatusWatch;
  /** Lasting links to single files. */
  signed: SignedFiles;
  people: PeopleCache;
  /** Counts codes that are tried. */
  linkTries: RateLimit;
  log: Logger;
  randomId: () => string;
}

export interface WebAdapter extends ChatAdapter {
  /** `http://127.0.0.1:8080`, once started. */
  readonly address: string;
}

const statusOf: Record<AppErrorCode, number> = {
  invalid_input: 400,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  too_large: 413,
  rate_limited: 429,
  unavailable: 503,
  fenced: 409,
  config: 500,
  internal: 500,
};
const maxJsonBytes = 64 * 1_024;

/** The page and its HTTP interface. As a chat adapter it delivers for the page and for the terminal command. */
export function createWebAdapter(deps: WebAdapterDeps): WebAdapter {
  const { config, db, log, status } = deps;
  const viewers = createWebViewers(deps);
  const identity = createWebIdentity({ cookieKey: deps.cookieKey, token: config.token, randomId: deps.randomId });
  let server: FastifyInstance | undefined;
  let address = '';

  const mediaTypeOf = (hash: string): Promise<string | undefined> => readOutputMediaType(db, hash);

  async function build(): Promise<FastifyInstance> {
    const built = fastify({
      bodyLimit: maxJsonBytes,
      forceCloseConnections: true,
      routerOptions: { maxParamLength: 200 },
    });
    server = built;
    await built.register(cookie, { secret: deps.cookieKey });
    guardRequests(built, { open: config.token === undefined });
    built.addHook('onRequest', async (request) => {
      if (request.routeOptions.config.isPublic === true || identity.maySee(request)) return;
      throw signInFirst();
    });
    built.setErrorHandler((thrown: FastifyError | AppError, request, reply) => {
      const error = toAppError(thrown);
      if (error.code === 'internal') log.error({ err: thrown, url: request.routeOptions.url }, 'a request failed');
      if (error.code === 'unavailable') {
        status.suspectDatabase();
        reply.header('retry-after', '1');
      }
      const code = error.details['status'];
      return reply.code(typeof code === 'number' ? code : statusOf[error.code]).send({ error: toPublicError(error) });
    });
    built.setNotFoundHandler((_request, reply) =>
      reply.code(404).send({ error: toPublicError(new AppError('not_found', 'no such address')) }),
    );
    built.get('/healthz', { config: { isPublic: true } }, (_request, reply) =>
      reply.code(status.databaseReady ? 200 : 503).send({ ok: status.databaseReady }),
    );
    await registerPageRoutes(built);
    registerAssetRoutes(built, { files: deps.chat.originals, mediaTypeOf, signed: deps.signed });
    await registerApiRoutes(built, {
      ...deps,
      viewers,
      identity,
      open: config.token === undefined,
      findPersonId: (user) => findPersonId(db, user),
      renamePerson: (user) => renamePerson(db, user),
      async signInByCode(user, typed) {
        const code = parseLinkCode(typed);
        // By themselves: who is not signed in must not use up what the chats may try.
        if (deps.linkTries.take('page', 60) > 0) throw new AppError('rate_limited', 'too many codes were tried');
        if (code === undefined) return false;
        const used = await useLinkCode(db, { code, personId: await ensurePerson(db, user), mustSignIn: true });
        deps.people.forget();
        return used.outcome !== 'gone';
      },
      mediaTypeOf,
    });
    return built;
  }

  return {
    name: 'web',
    doors: ['web', 'cli'],
    get address() {
      return address;
    },
    async send(delivery) {
      await deliverToWeb(db, delivery);
      return { outcome: 'recorded' };
    },
    async start() {
      address = await listenAt(await build(), config, 'ATELIER_WEB');
    },
    async stop() {
      viewers.close();
      await server?.close();
    },
  };
}

function signInFirst(): AppError {
  return new AppError('forbidden', 'no access token', {
    details: { status: 401 },
    publicMessage: { en: 'Sign in with the access token first.', zh: '请先使用访问令牌登录。' },
  });
}

function toAppError(thrown: FastifyError | AppError): AppError {
  if (thrown instanceof AppError) return thrown;
  const status = thrown.statusCode ?? 500;
  if (status === 413) {
    return new AppError('too_large', thrown.message, {
      publicMessage: { en: 'This is too large: attach at most 20 MB.', zh: '内容太大：附件最大 20 MB。' },
    });
  }
  if (status >= 400 && status < 500) return new AppError('invalid_input', thrown.message, { details: { status } });
  return new AppError('internal', 'a request failed', { cause: thrown });
}
