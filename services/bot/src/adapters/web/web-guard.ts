import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '@atelier/shared/errors/app-error';
import { isLoopbackHost } from '@atelier/shared/config/is-loopback-host';

const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "media-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "manifest-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * What stands before every route: security headers, no foreign origin for what changes anything, and on an open loopback
 * page no foreign host name (a page elsewhere could point its own name at 127.0.0.1).
 */
export function guardRequests(server: FastifyInstance, options: { open: boolean }): void {
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': policy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'x-frame-options': 'DENY',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': 'camera=(), microphone=(), geolocation=()',
    });
    if (options.open && !isLoopbackHost(request.hostname)) throw foreign('host', request);
    if (request.method !== 'GET' && request.method !== 'HEAD' && !isSameOrigin(request)) {
      throw foreign('origin', request);
    }
  });
}

/** Browsers name the origin of everything that changes something; what names none is no browser. */
function isSameOrigin(request: FastifyRequest): boolean {
  const { origin } = request.headers;
  if (origin === undefined) {
    const site = request.headers['sec-fetch-site'];
    return site === undefined || site === 'same-origin' || site === 'none';
  }
  return URL.canParse(origin) && new URL(origin).host === request.host;
}

function foreign(what: 'host' | 'origin', request: FastifyRequest): AppError {
  return new AppError('forbidden', `a request with a foreign ${what} was refused`, {
    details: { host: request.host, origin: request.headers.origin },
    publicMessage: {
      en: 'This page can only be used at its own address: open it as it was printed at the start.',
      zh: '只能通过本页自己的地址使用：请打开启动时显示的地址。',
    },
  });
}
