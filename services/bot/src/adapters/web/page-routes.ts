import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const pageFolder = fileURLToPath(new URL('page/', import.meta.url));
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.webmanifest': 'application/manifest+json',
};

/** Serves the page: every file of its folder under `/page/`, the HTML at `/`. Read once; browsers ask again by ETag. */
export async function registerPageRoutes(server: FastifyInstance): Promise<void> {
  for (const name of await readdir(pageFolder)) {
    const type = types[extname(name)];
    if (type === undefined) continue;
    const bytes = await readFile(join(pageFolder, name));
    const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`;
    server.get(name === 'index.html' ? '/' : `/page/${name}`, { config: { isPublic: true } }, (request, reply) => {
      reply.headers({ etag, 'cache-control': 'no-cache' }).type(type);
      if (request.headers['if-none-match'] === etag) return reply.code(304).send();
      return reply.send(bytes);
    });
  }
  server.get('/favicon.ico', { config: { isPublic: true } }, (_request, reply) =>
    reply.redirect('/page/icon.svg', 301),
  );
}
