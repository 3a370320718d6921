import type { RateLimitPluginOptions } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../core/principal.ts';
import { problem } from '../../core/problems/to-problem.ts';

/** Callers without a token share their address's limit, which is a part of the usual one. */
const strangersPart = 4;

/**
 * How often each caller may call: as their token says, else as usual.
 *
 * @param callerOf undefined for who showed nothing that is valid.
 */
export function callerRateLimit(
  perMinute: number,
  callerOf: (request: FastifyRequest) => Principal | undefined,
): RateLimitPluginOptions {
  return {
    global: true,
    hook: 'onRequest',
    timeWindow: 60_000,
    cache: 20_000,
    keyGenerator(request) {
      const caller = callerOf(request);
      return caller === undefined ? `ip ${request.ip}` : `caller ${caller.credentialId}`;
    },
    max(request) {
      const caller = callerOf(request);
      return caller === undefined
        ? Math.max(1, Math.ceil(perMinute / strangersPart))
        : (caller.limits.perMinute ?? perMinute);
    },
    errorResponseBuilder(_request, { ttl }) {
      const seconds = Math.max(1, Math.ceil(ttl / 1_000));
      return problem(
        'RATE_LIMITED',
        `Too many requests: try again in ${seconds} s.`,
        `请求过于频繁：请在 ${seconds} 秒后重试。`,
        { retry: { afterMs: seconds * 1_000 } },
      );
    },
  };
}

/** Methods that change nothing: a cookie alone is enough for them, and the scope `read`. */
export function isReading(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
