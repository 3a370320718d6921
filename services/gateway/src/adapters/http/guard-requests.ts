import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { AppError } from '@atelier/shared/errors/app-error';
import type { HttpConfig } from '../../config.ts';
import { requireScope } from '../../core/principal.ts';
import { problem } from '../../core/problems/to-problem.ts';
import { unauthenticated, type Identity } from '../../identity/create-identity.ts';
import { callerRateLimit, isReading } from './caller-rate-limit.ts';
import type { GatewayServer } from './gateway-server.ts';

const bodyLimits = { maxDepth: 200, maxValues: 400_000, nonFinite: 'refuse' } as const;

/** What stands before every route: headers, origins, who calls, how often, and how a body is read. */
export async function guardRequests(
  server: GatewayServer,
  options: { config: HttpConfig; identity: Identity },
): Promise<void> {
  const { config, identity } = options;
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'self'"] },
    },
    crossOriginResourcePolicy: { policy: config.origins.length > 0 ? 'cross-origin' : 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    // Only https may promise https; a proxy that speaks it adds the header.
    hsts: false,
    frameguard: { action: 'deny' },
  });
  await server.register(cors, {
    origin: [...config.origins],
    credentials: true,
    strictPreflight: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: ['location', 'retry-after', 'content-range', 'x-request-id', 'traceparent'],
    maxAge: 600,
  });

  server.decorateRequest('principal', undefined);
  server.decorateRequest('identityError', undefined);
  server.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    const acts = !isReading(request.method) && request.method !== 'OPTIONS';
    try {
      request.principal = await identity.identify({
        headers: request.headers,
        remoteAddress: request.socket.remoteAddress,
        acts,
      });
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'forbidden') throw error;
      request.identityError = error;
    }
  });

  await server.register(
    rateLimit,
    callerRateLimit(config.perMinute, ({ principal }) => principal),
  );

  server.addHook('preParsing', async (request) => {
    const { isPublic, scope } = request.routeOptions.config;
    if (isPublic === true || request.is404) return;
    if (request.identityError !== undefined) throw request.identityError;
    if (request.principal === undefined) throw unauthenticated();
    requireScope(request.principal, scope ?? 'read');
  });

  server.removeContentTypeParser(['application/json', 'text/plain']);
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      const text = String(body);
      done(null, text.trim() === '' ? undefined : parseJson(text, bodyLimits));
    } catch (cause) {
      const where = cause instanceof Error ? cause.message : '';
      done(problem('VALIDATION_ERROR', `The body is no JSON: ${where}`, `请求体不是有效的 JSON：${where}`, { cause }));
    }
  });
}
