import multipart from '@fastify/multipart';
import fastify from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import type { AppError } from '@atelier/shared/errors/app-error';
import type { HttpConfig } from '../../config.ts';
import { problem } from '../../core/problems/to-problem.ts';
import type { Identity } from '../../identity/create-identity.ts';
import type { GatewayParts } from '../../ports.ts';
import { answerProblems, send } from './answer-problems.ts';
import { type ClientPatience, connectionLimits, usualPatience } from './client-patience.ts';
import type { GatewayServer } from './gateway-server.ts';
import { guardRequests } from './guard-requests.ts';
import { registerOpenapi } from './openapi.ts';

export interface HttpServerOptions {
  parts: GatewayParts;
  config: HttpConfig;
  identity: Identity;
  patience?: ClientPatience | undefined;
  /** Adds the routes. */
  registerRoutes: (server: GatewayServer) => void | Promise<void>;
}

/** JSON that is no workflow. */
const usualBodyBytes = 512 * 1_024;

/** The HTTP interface, built and not yet listening. */
export async function createHttpServer(options: HttpServerOptions): Promise<GatewayServer> {
  const { parts, config } = options;
  const server = fastify({
    genReqId: () => parts.randomId(),
    bodyLimit: usualBodyBytes,
    ...connectionLimits(options.patience ?? usualPatience),
    keepAliveTimeout: 10_000,
    trustProxy: config.trustProxy,
    return503OnClosing: true,
    routerOptions: { maxParamLength: 300 },
    // What the router itself refuses never reaches the error handler: an address that cannot be read, or is too long.
    frameworkErrors: (_error, request, reply) => void send(request, reply, noSuchAddress()),
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  answerProblems(server, parts.log);
  await guardRequests(server, options);
  await server.register(multipart, {
    limits: { fileSize: config.maxUploadBytes, files: 1, fields: 10, fieldSize: 10_000, parts: 12, headerPairs: 50 },
  });
  await registerOpenapi(server);
  // After the hooks of the rate limit, so that guessing addresses is limited too.
  server.setNotFoundHandler({ preHandler: server.rateLimit() }, (request, reply) =>
    send(request, reply, noSuchAddress()),
  );
  server.addHook('onResponse', async (request, reply) => {
    const route = request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    parts.metrics.httpSeconds.observe({ method: request.method, route, status }, reply.elapsedTime / 1_000);
  });
  await options.registerRoutes(server);
  await server.ready();
  return server;
}

function noSuchAddress(): AppError {
  return problem('NOT_FOUND', 'There is nothing at this address.', '此地址没有内容。');
}
