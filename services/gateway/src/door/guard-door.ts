import rateLimit from '@fastify/rate-limit';
import { AppError } from '@atelier/shared/errors/app-error';
import { requireScope } from '../core/principal.ts';
import { problem } from '../core/problems/to-problem.ts';
import { isForeignOrigin } from './core/foreign-origin.ts';
import { callerOf, principalOf, setCaller, type DoorContext, type DoorServerInstance } from './door-context.ts';

/** Callers without a token share their address's limit, which is a part of the usual one. */
const strangersPart = 4;

/** What stands before every route of the door: origins, who calls, how often, and what they may. */
export async function guardDoor(server: DoorServerInstance, { config, identity, parts }: DoorContext): Promise<void> {
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "frame-ancestors 'self'",
    });
    if (isForeignOrigin(request.headers, config.origins)) return reply.code(403).send();
    // ComfyUI's HTTP server says yes to every question of this kind; no answer of the door is readable elsewhere.
    if (request.method === 'OPTIONS') return reply.code(200).send();
    const acts = request.method !== 'GET' && request.method !== 'HEAD';
    try {
      const call = { headers: request.headers, remoteAddress: request.socket.remoteAddress, acts };
      setCaller(request, await identity.identify(call));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'forbidden') throw error;
      setCaller(request, error);
    }
    return undefined;
  });

  await server.register(rateLimit, {
    global: true,
    hook: 'onRequest',
    timeWindow: 60_000,
    cache: 20_000,
    keyGenerator: (request) => {
      const caller = callerOf(request);
      return caller === undefined || caller instanceof AppError ? `ip ${request.ip}` : `caller ${caller.credentialId}`;
    },
    max: (request) => {
      const caller = callerOf(request);
      return caller === undefined || caller instanceof AppError
        ? Math.max(1, Math.ceil(config.perMinute / strangersPart))
        : (caller.limits.perMinute ?? config.perMinute);
    },
    errorResponseBuilder: (_request, { ttl }) => {
      const seconds = Math.max(1, Math.ceil(ttl / 1_000));
      return problem(
        'RATE_LIMITED',
        `Too many requests: try again in ${seconds} s.`,
        `请求过于频繁：请在 ${seconds} 秒后重试。`,
        { retry: { afterMs: seconds * 1_000 } },
      );
    },
  });

  server.addHook('preParsing', async (request) => {
    const acts = request.method !== 'GET' && request.method !== 'HEAD';
    requireScope(principalOf(request), acts ? 'submit' : 'read');
  });

  server.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'comfyui front end' : `comfyui ${request.routeOptions.url ?? 'none'}`;
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    parts.metrics.httpSeconds.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000);
  });
}
