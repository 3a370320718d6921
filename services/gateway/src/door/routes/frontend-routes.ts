import { Readable } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '@atelier/shared/errors/app-error';
import { bannerScript, withBanner } from '../core/banner.ts';
import { kindOfPath, withoutApi } from '../core/door-paths.ts';
import { hasScope } from '../../core/principal.ts';
import { callerOf, type DoorContext, type DoorServerInstance } from '../door-context.ts';

const timeoutMs = 30_000;
/** What of the front end's answers is passed on; cookies and the like are nobody's. */
const passedOn = ['content-type', 'content-length', 'etag', 'last-modified', 'cache-control'] as const;

/**
 * ComfyUI's front end, file by file, with our line on top; everything that is not of it is closed, to all but operators, whose
 * calls go to that ComfyUI as they are.
 */
export function registerFrontendRoutes(server: DoorServerInstance, { config }: DoorContext): void {
  server.get('/atelier/banner.js', async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').header('cache-control', 'no-cache').send(bannerScript),
  );

  server.setNotFoundHandler(async (request, reply) => {
    const path = pathOf(request);
    const kind = path === undefined ? 'unknown' : kindOfPath(path);
    if (path !== undefined && kind === 'closed') {
      const caller = callerOf(request);
      const isOperator = caller !== undefined && !(caller instanceof AppError) && hasScope(caller, 'admin');
      if (isOperator && config.frontendUrl !== undefined) return passOn(request, reply, addressOf(request, path), path);
      return reply.code(403).send({ error: 'This part of ComfyUI is closed here.' });
    }
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (path === undefined || kind === 'unknown' || !isRead || config.frontendUrl === undefined) {
      if (!isRead || path === undefined) return reply.code(404).send();
      if (path === '/') return reply.type('text/html; charset=utf-8').send(noFrontend);
      const empty = config.frontendUrl === undefined ? emptyLists[withoutApi(path)] : undefined;
      return empty === undefined ? reply.code(404).send() : reply.send(empty);
    }
    return passOn(request, reply, new URL(path, config.frontendUrl), path);
  });

  /** With what is asked of it. */
  function addressOf(request: FastifyRequest, path: string): URL {
    const url = new URL(path, config.frontendUrl);
    url.search = new URL(request.originalUrl, 'http://door').search;
    return url;
  }

  async function passOn(request: FastifyRequest, reply: FastifyReply, url: URL, path: string): Promise<FastifyReply> {
    const conditional = request.headers['if-none-match'];
    const type = request.headers['content-type'];
    let answer: Response;
    try {
      answer = await fetch(url, {
        method: request.method,
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        ...(Buffer.isBuffer(request.body) ? { body: new Uint8Array(request.body) } : {}),
        headers: {
          'accept-encoding': 'identity',
          ...(type === undefined ? {} : { 'content-type': type }),
          ...(conditional === undefined ? {} : { 'if-none-match': conditional }),
        },
      });
    } catch (cause) {
      throw new AppError('unavailable', 'the front end of ComfyUI does not answer', { cause });
    }
    const answeredType = answer.headers.get('content-type') ?? '';
    reply.code(answer.status);
    if ((path === '/' || path === '/index.html') && answeredType.startsWith('text/html') && answer.ok) {
      return reply
        .type(answeredType)
        .header('cache-control', 'no-cache')
        .send(withBanner(await answer.text()));
    }
    // What was encoded on the way has another length here.
    const isEncoded = answer.headers.has('content-encoding');
    for (const name of passedOn) {
      const value = answer.headers.get(name);
      if (value !== null && !(isEncoded && name === 'content-length')) reply.header(name, value);
    }
    if (answer.body === null || request.method === 'HEAD') return reply.send();
    return reply.send(Readable.fromWeb(answer.body));
  }
}

/** What a ComfyUI without extensions answers. */
const emptyLists: Readonly<Record<string, unknown>> = { '/extensions': [], '/workflow_templates': {}, '/i18n': {} };
const noFrontend = `<!doctype html><meta charset="utf-8"><title>Atelier</title>
<p>This is the ComfyUI-compatible door of Atelier. Point a ComfyUI client here, or set ATELIER_DOOR_FRONTEND_URL to a ComfyUI whose front end it shall show.</p>
<p lang="zh">这是 Atelier 的 ComfyUI 兼容入口。请将 ComfyUI 客户端指向这里；或设置 ATELIER_DOOR_FRONTEND_URL 以显示 ComfyUI 前端。</p>`;

function pathOf(request: FastifyRequest): string | undefined {
  try {
    return decodeURIComponent(request.originalUrl.split('?')[0] ?? '/');
  } catch {
    return undefined;
  }
}
