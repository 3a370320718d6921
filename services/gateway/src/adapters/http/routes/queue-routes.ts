import { z } from 'zod';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import { readRecipeTimes } from '@atelier/shared/db/gateway/person-requests';
import { jobStatusSchema, waitingSchema } from '../../../core/jobs/job-view.ts';
import { guessedGpuSeconds } from '../../../core/queue/forecast-requests.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

const statusSchema = z
  .object({
    queue_running: z.int().describe('GPU jobs that run, of everybody'),
    queue_pending: z.int().describe('GPU jobs that wait, of everybody'),
    queue_remaining: z.int(),
    gpus: z.object({ alive: z.int(), paused: z.int(), total: z.int() }),
    mine: z.array(z.object({ prompt_id: uuidSchema, status: jobStatusSchema, waiting: waitingSchema.optional() })),
  })
  .meta({ id: 'QueueStatus' });

/** The queue: how long it is, where I stand, what something would take. */
export function registerQueueRoutes(server: GatewayServer, deps: RouteDeps): void {
  const tags = ['queue'];

  server.get(
    '/api/v1/queue/status',
    { schema: { tags, summary: 'The queue as it stands', response: { 200: statusSchema, ...problems() } } },
    async (request) => {
      const { personId } = principalOf(request);
      const [jobs, queue] = await Promise.all([
        deps.desk.listJobs({ personId, limit: 100, finished: false }),
        deps.queue.read(),
      ]);
      return {
        queue_running: queue.runningJobs,
        queue_pending: queue.queuedJobs,
        queue_remaining: queue.runningJobs + queue.queuedJobs,
        gpus: queue.gpus,
        mine: jobs.map(({ id, status, waiting }) => ({
          prompt_id: id,
          status,
          ...(waiting === undefined ? {} : { waiting }),
        })),
      };
    },
  );

  server.post(
    '/api/v1/queue/clear',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Cancel everything of mine that has not started',
        body: z.strictObject({ clear: z.literal(true) }),
        response: { 200: z.object({ cancelled: z.int() }), ...problems('UNSUPPORTED_MEDIA_TYPE') },
      },
    },
    async (request) => ({ cancelled: await deps.desk.clearQueue(principalOf(request)) }),
  );

  server.get(
    '/api/v1/estimates',
    {
      schema: {
        tags,
        summary: 'How long a recipe runs, and when it would start if it were asked for now',
        querystring: z.object({
          recipe: z.string().min(1).max(100).optional(),
          count: z.coerce.number().int().min(1).max(8).default(1),
        }),
        response: {
          200: z.object({
            measuredRuns: z.int(),
            gpuSeconds: z.object({ low: z.number(), middle: z.number(), high: z.number() }),
            waiting: waitingSchema.optional(),
          }),
          ...problems(),
        },
      },
    },
    async (request) => {
      const { recipe, count } = request.query;
      const { personId } = principalOf(request);
      const times = await readRecipeTimes(deps.parts.db, recipe);
      const middle = (times.middle ?? guessedGpuSeconds) * count;
      const waiting = await deps.queue.imagine({ personId, gpuSeconds: middle, residencyKey: recipe ?? '' });
      return {
        measuredRuns: times.runs,
        gpuSeconds: {
          low: (times.low ?? guessedGpuSeconds / 3) * count,
          middle,
          high: (times.high ?? guessedGpuSeconds * 3) * count,
        },
        ...(waiting === undefined ? {} : { waiting }),
      };
    },
  );
}
