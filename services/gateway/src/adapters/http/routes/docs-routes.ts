import { createHash } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { renderReference } from '../../../core/docs/render-reference.ts';
import type { GatewayServer } from '../gateway-server.ts';

const referencePolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/**
 * The documentation: `/openapi.json`, `/docs/` (a page that also sends requests, all of it from here) and `/redoc` (one that
 * needs no script).
 */
export function registerDocsRoutes(server: GatewayServer): void {
  const open = { config: { isPublic: true }, schema: { hide: true } };
  let reference: string | undefined;
  let pages: Promise<FastifyInstance> | undefined;

  /** The bundle takes megabytes: it is loaded at the first look, and lives in a server of its own that listens nowhere. */
  async function loadPages(): Promise<FastifyInstance> {
    const { default: scalar } = await import('@scalar/fastify-api-reference');
    const inner = fastify();
    await inner.register(scalar, {
      routePrefix: '/docs',
      configuration: {
        content: () => server.swagger() as Record<string, unknown>,
        withDefaultFonts: false,
        telemetry: false,
        hideClientButton: true,
        pageTitle: 'Atelier · API',
        agent: { disabled: true },
        mcp: { disabled: true },
      },
    });
    await inner.ready();
    return inner;
  }

  server.get('/openapi.json', open, (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('application/json').send(JSON.stringify(server.swagger())),
  );

  server.get('/redoc', open, (_request, reply) => {
    reference ??= renderReference(server.swagger());
    return reply.type('text/html; charset=utf-8').header('content-security-policy', referencePolicy).send(reference);
  });

  server.get('/docs', open, (_request, reply) => reply.redirect('/docs/', 301));
  server.get('/docs/*', open, async (request, reply) => {
    pages ??= loadPages();
    const { pathname } = new URL(request.url, 'http://gateway');
    const answer = await (await pages).inject({ url: pathname === '/docs' ? '/docs/' : pathname, method: 'GET' });
    if (answer.statusCode !== 200) return reply.callNotFound();
    const type = answer.headers['content-type'] ?? 'application/octet-stream';
    if (type.startsWith('text/html')) reply.header('content-security-policy', pagePolicy(answer.body));
    else reply.header('cache-control', 'public, max-age=3600');
    return reply.type(type).send(answer.rawPayload);
  });
  server.addHook('onClose', async () => {
    await (await pages)?.close();
  });
}

/** Scripts from here and the page's own; nothing is fetched from elsewhere. */
function pagePolicy(html: string): string {
  const scripts = [...html.matchAll(/<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src 'self' ${scripts.join(' ')}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
