import { readFile } from 'node:fs/promises';
import cookie from '@fastify/cookie';
import { z } from 'zod';
import { endSession, useSignInCode } from '@atelier/shared/db/gateway/sign-in';
import { problem } from '../../../core/problems/to-problem.ts';
import { isOwnPage, sessionCookie } from '../../../identity/create-identity.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

const pagePolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * Signing a browser in by a link from the chat. The code stands behind `#`, so that neither this server's log nor a program that
 * looks at links for a preview ever has it, and it is used up only when a person presses the button.
 */
export async function registerSignInRoutes(server: GatewayServer, deps: RouteDeps): Promise<void> {
  const { db } = deps.parts;
  const tags = ['account'];
  await server.register(cookie);
  const page = (name: string): Promise<string> => readFile(new URL(`../pages/${name}`, import.meta.url), 'utf8');
  const [html, script, style] = await Promise.all([page('sign-in.html'), page('sign-in.js'), page('pages.css')]);
  const pages = [
    ['/sign-in', 'text/html; charset=utf-8', html],
    ['/sign-in.js', 'text/javascript; charset=utf-8', script],
    ['/pages.css', 'text/css; charset=utf-8', style],
  ] as const;
  for (const [url, type, content] of pages) {
    server.get(url, { config: { isPublic: true }, schema: { hide: true } }, (_request, reply) =>
      reply.type(type).headers({ 'content-security-policy': pagePolicy, 'cache-control': 'no-store' }).send(content),
    );
  }

  server.post(
    '/api/v1/sign-in',
    {
      config: { isPublic: true, rateLimit: { max: 20 } },
      schema: {
        tags,
        summary: 'Use up the code of a sign-in link: this browser is signed in',
        security: [],
        body: z.strictObject({ code: z.string().min(20).max(100) }),
        response: {
          200: z.object({ displayName: z.string(), expiresAt: z.iso.datetime() }),
          ...problems('UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request, reply) => {
      // Else a page elsewhere could sign its visitor in as somebody else.
      if (!isOwnPage(request.headers, [])) {
        throw problem('FORBIDDEN', 'Open the link of the chat itself.', '请直接打开聊天中的链接。');
      }
      const session = await useSignInCode(db, request.body.code, request.headers['user-agent']);
      if (session === undefined) {
        throw problem(
          'UNAUTHENTICATED',
          'This link was used or is too old: ask for a new one in the chat.',
          '该链接已被使用或已过期：请在聊天中重新获取。',
        );
      }
      reply.setCookie(sessionCookie, session.secret, {
        path: '/',
        httpOnly: true,
        sameSite: 'lax',
        secure: request.protocol === 'https' || deps.publicUrl().startsWith('https:'),
        expires: session.expiresAt,
      });
      reply.header('cache-control', 'no-store');
      return { displayName: session.account.displayName, expiresAt: session.expiresAt.toISOString() };
    },
  );

  server.post(
    '/api/v1/sign-out',
    { schema: { tags, summary: 'Sign this browser out', response: { 204: z.null(), ...problems() } } },
    async (request, reply) => {
      const principal = principalOf(request);
      if (principal.kind === 'session') await endSession(db, principal.credentialId);
      reply.clearCookie(sessionCookie, { path: '/' }).code(204);
      return null;
    },
  );
}
