import rateLimit from '@fastify/rate-limit';
import { AppError } from '@atelier/shared/errors/app-error';
import { requireScope } from '../core/principal.ts';
import { callerRateLimit, isReading } from '../adapters/http/caller-rate-limit.ts';
import { isForeignOrigin } from './core/foreign-origin.ts';
import { callerOf, principalOf, setCaller, type DoorContext, type DoorServerInstance } from './door-context.ts';

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
    const acts = !isReading(request.method);
    try {
      const call = { headers: request.headers, remoteAddress: request.socket.remoteAddress, acts };
      setCaller(request, await identity.identify(call));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'forbidden') throw error;
      setCaller(request, error);
    }
    return undefined;
  });

  await server.register(
    rateLimit,
    callerRateLimit(config.perMinute, (request) => {
      const caller = callerOf(request);
      return caller instanceof AppError ? undefined : caller;
    }),
  );

  server.addHook('preParsing', async (request) => {
    requireScope(principalOf(request), isReading(request.method) ? 'read' : 'submit');
  });

  server.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'comfyui front end' : `comfyui ${request.routeOptions.url ?? 'none'}`;
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    parts.metrics.httpSeconds.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000);
  });
}
