import multipart from '@fastify/multipart';
import fastify, { type FastifyReply, type FastifyRequest } from 'fastify';
import { countOpenRequests, findDoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import { AppError } from '@atelier/shared/errors/app-error';
import { listenAt } from '@atelier/shared/net/listen-at';
import type { OpenDoor, SharedParts } from '../app.ts';
import { connectionLimits, usualPatience } from '../adapters/http/client-patience.ts';
import { toAppError } from '../adapters/http/to-app-error.ts';
import { problemCodes } from '../core/problems/problem-codes.ts';
import { problemCodeOf } from '../core/problems/to-problem.ts';
import { createDoorCatalog } from './door-catalog.ts';
import type { DoorConfig } from './door-config.ts';
import { callerOf, type DoorContext, type DoorServerInstance } from './door-context.ts';
import { createDoorDesk } from './door-desk.ts';
import { createDoorHub } from './door-hub.ts';
import { createDoorSockets } from './door-sockets.ts';
import { guardDoor } from './guard-door.ts';
import { createPromptStopper } from './prompt-stopper.ts';
import { registerFileRoutes } from './routes/file-routes.ts';
import { registerFreeRoute } from './routes/free-route.ts';
import { registerFrontendRoutes } from './routes/frontend-routes.ts';
import { registerJobRoutes } from './routes/job-routes.ts';
import { registerPromptRoutes } from './routes/prompt-routes.ts';
import { registerServerRoutes } from './routes/server-routes.ts';
import { registerSettingsRoutes } from './routes/settings-routes.ts';
import { registerUserRoutes } from './routes/user-routes.ts';

const maxBodyBytes = 8 * 1_024 * 1_024;
const countFreshMs = 500;
const signInPage = `<!doctype html><meta charset="utf-8"><title>Atelier</title>
<p>Sign in first: open a sign-in link from the chat in this browser, then come back.</p>
<p lang="zh">请先登录：在此浏览器中打开聊天给出的登录链接，然后返回。</p>`;

/**
 * ComfyUI as its clients know it, on a port of its own: what they send becomes a job in the fair queue, and each sees and
 * stops their own. Every address also stands under `/api`, as in ComfyUI.
 */
export function openDoor(config: DoorConfig): (shared: SharedParts) => Promise<OpenDoor> {
  return async (shared) => {
    const { parts, desk, feed, policy, queue } = shared;
    const { db, log } = parts;
    const catalog = createDoorCatalog(parts);
    const doorDesk = createDoorDesk(parts, { desk, catalog, policy: () => policy.current() });
    const hub = createDoorHub({
      feed,
      findPrompt: (requestId) => findDoorPrompt(db, requestId),
      readTexts: (facts) => doorDesk.texts([facts]),
      log,
      now: parts.now,
    });
    let counted = { at: -Infinity, open: 0 };
    async function remaining(): Promise<number> {
      if (performance.now() - counted.at > countFreshMs) {
        counted = { at: performance.now(), open: await countOpenRequests(db) };
      }
      return counted.open;
    }
    const queueMoved = (): void => {
      counted = { at: -Infinity, open: counted.open };
    };
    const context: DoorContext = { ...shared, config, catalog, doorDesk, hub, remaining, queueMoved };
    const server: DoorServerInstance = fastify({
      bodyLimit: maxBodyBytes,
      ...connectionLimits(usualPatience),
      rewriteUrl: ({ url = '/' }) => (/^\/api\/(?!jobs(?:[/?]|$))/.test(url) ? url.slice('/api'.length) : url),
      routerOptions: { maxParamLength: 1_000 },
    });
    await server.register(multipart, {
      // A name that is a path is refused, not shortened.
      preservePath: true,
      limits: { fileSize: config.maxUploadBytes, files: 1, fields: 10, fieldSize: 10_000, parts: 12, headerPairs: 50 },
    });
    server.removeContentTypeParser(['application/json', 'text/plain']);
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.setErrorHandler((error, request, reply) => sendError(error, request, reply));
    await guardDoor(server, context);
    const stopper = createPromptStopper({ desk, doorDesk });
    registerPromptRoutes(server, context, stopper);
    registerJobRoutes(server, context, stopper);
    registerFreeRoute(server, context);
    registerFileRoutes(server, context);
    registerServerRoutes(server, context);
    registerSettingsRoutes(server, context);
    registerUserRoutes(server, context);
    registerFrontendRoutes(server, context);
    const sockets = createDoorSockets(context);
    sockets.listen(server.server);

    // The queue moved: everybody who looks is told its length.
    const unwatch = queue.watch(() => {
      if (hub.clients === 0) return;
      queueMoved();
      remaining().then(
        (open) => hub.announceQueue(open),
        (error: unknown) => log.debug({ err: error }, 'the length of the queue is not known'),
      );
    });

    function sendError(thrown: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
      const error = toAppError(thrown);
      const code = problemCodeOf(error);
      if (error.code === 'internal')
        log.error({ err: thrown, url: request.url.split('?')[0] }, 'a call of the door failed');
      const { status } = problemCodes[code];
      const caller = callerOf(request);
      const language = caller === undefined || caller instanceof AppError ? 'en' : caller.language;
      const message = error.publicMessage[language];
      if (status === 401) {
        reply.header('www-authenticate', 'Bearer realm="atelier"');
        // A person with a browser reads a page.
        if (request.method === 'GET' && request.headers.accept?.includes('text/html') === true) {
          return reply.code(status).type('text/html; charset=utf-8').send(signInPage);
        }
      }
      if (typeof error.retry === 'object') reply.header('retry-after', String(Math.ceil(error.retry.afterMs / 1_000)));
      return reply
        .code(status)
        .send({ error: { type: code.toLowerCase(), message, details: message, extra_info: {} }, node_errors: {} });
    }

    const address = await listenAt(server, config, 'ATELIER_DOOR');
    log.info({ address }, 'the ComfyUI-compatible door is open');
    return {
      ready: { doorUrl: address },
      async stop() {
        unwatch();
        hub.close();
        await sockets.close();
        await server.close();
        catalog.stop();
      },
    };
  };
}
