import { z } from 'zod';
import type { MetricsSource } from '@atelier/shared/lifecycle/health-server';
import { problems, type GatewayServer } from '../gateway-server.ts';

const healthSchema = z.object({ ok: z.boolean() });

/** Health for those who watch. The figures are for operators alone; ATELIER_METRICS_PORT serves them elsewhere. */
export function registerHealthRoutes(
  server: GatewayServer,
  deps: { isReady: () => boolean; metrics: MetricsSource },
): void {
  const tags = ['health'];
  server.get(
    '/healthz',
    {
      config: { isPublic: true, rateLimit: false },
      schema: { tags, summary: 'The process turns', security: [], response: { 200: healthSchema } },
    },
    async () => ({ ok: true }),
  );
  server.get(
    '/readyz',
    {
      config: { isPublic: true, rateLimit: false },
      schema: {
        tags,
        summary: 'It can accept work now',
        security: [],
        response: { 200: healthSchema, 503: healthSchema },
      },
    },
    async (_request, reply) => {
      const ok = deps.isReady();
      return reply
        .code(ok ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ ok });
    },
  );
  server.get(
    '/metrics',
    {
      config: { scope: 'admin' },
      schema: {
        tags,
        summary: 'Figures for Prometheus',
        response: {
          200: { description: 'Prometheus text', content: { 'text/plain': { schema: z.string() } } },
          ...problems(),
        },
      },
    },
    async (_request, reply) => reply.type(deps.metrics.contentType).send(await deps.metrics.metrics()),
  );
}
