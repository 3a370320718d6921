import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import type { Language } from '@atelier/shared/contracts/identity';
import type { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import { problem, problemCodeOf, toProblem, type FieldError } from '../../core/problems/to-problem.ts';
import type { GatewayServer } from './gateway-server.ts';
import { toAppError } from './to-app-error.ts';

/** Every answer that is not a good one goes out here, as `application/problem+json`. */
export function answerProblems(server: GatewayServer, log: Logger): void {
  server.setErrorHandler((thrown: FastifyError | AppError, request, reply) => {
    const { error, errors } = read(thrown);
    const code = problemCodeOf(error);
    if (code === 'INTERNAL_ERROR') {
      log.error({ err: thrown, route: request.routeOptions.url, http_id: request.id }, 'a request failed');
    }
    return send(request, reply, error, errors);
  });
}

/** Answers with a problem. */
export function send(
  request: FastifyRequest,
  reply: FastifyReply,
  error: AppError,
  errors: readonly FieldError[] = [],
): FastifyReply {
  const told = toProblem(error, { instance: `urn:uuid:${request.id}`, language: languageOf(request), errors });
  if (told.status === 401) reply.header('www-authenticate', 'Bearer realm="atelier"');
  if (told.status === 503) reply.header('retry-after', '1');
  if (typeof error.retry === 'object') reply.header('retry-after', String(Math.ceil(error.retry.afterMs / 1_000)));
  // It may be of a file that was about to be sent.
  reply.removeHeader('content-length');
  reply.removeHeader('etag');
  return reply
    .code(told.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(told);
}

function read(thrown: FastifyError | AppError): { error: AppError; errors: FieldError[] } {
  if (!hasZodFastifySchemaValidationErrors(thrown)) return { error: toAppError(thrown), errors: [] };
  const errors = thrown.validation.slice(0, 50).map((issue): FieldError => ({
    pointer: issue.instancePath,
    message: issue.message ?? 'is wrong',
  }));
  // An id that cannot be one names nothing.
  if (thrown.validationContext === 'params') {
    return { error: problem('NOT_FOUND', 'There is nothing at this address.', '此地址没有内容。'), errors: [] };
  }
  const where = errors.map(({ pointer, message }) => `${pointer === '' ? '/' : pointer}: ${message}`).slice(0, 3);
  return {
    error: problem(
      'VALIDATION_ERROR',
      `The ${thrown.validationContext ?? 'request'} is not valid: ${where.join('; ')}`,
      `请求内容不正确：${where.join('；')}`,
    ),
    errors,
  };
}

/** What the caller prefers to read, else what their person speaks. */
export function languageOf(request: Pick<FastifyRequest, 'headers' | 'principal'>): Language {
  const accepted = request.headers['accept-language'];
  if (typeof accepted === 'string' && /^\s*(zh|en)\b/i.test(accepted)) {
    return /^\s*zh\b/i.test(accepted) ? 'zh' : 'en';
  }
  return request.principal?.language ?? 'en';
}
