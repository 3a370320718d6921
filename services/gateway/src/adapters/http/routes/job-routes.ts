import { z } from 'zod';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import {
  imagineOptionsSchema,
  MAX_SHOTS,
  requestBodySchema,
  requestStateSchema,
  shotIdSchema,
  shotSchema,
} from '@atelier/shared/contracts/request';
import { decodeCursor, encodeCursor } from '../../../core/cursor.ts';
import { jobViewSchema, type JobView } from '../../../core/jobs/job-view.ts';
import { clientIdSchema } from '../../ws/client-message.ts';
import { idempotencyHeaders, pageQuery, principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';
import { acceptedSchema, answerSubmission, submissionRoute, submitFields, takeSubmission } from './submission-route.ts';

const jobParams = z.object({ id: uuidSchema });
const listQuery = z.object({
  ...pageQuery,
  client_id: clientIdSchema.optional(),
  state: requestStateSchema.optional(),
  finished: z.stringbool().optional(),
});
export const jobPageSchema = z
  .object({ jobs: z.array(jobViewSchema), nextCursor: z.string().optional() })
  .meta({ id: 'JobPage' });

function toPage(jobs: JobView[], limit: number): z.infer<typeof jobPageSchema> {
  const last = jobs.at(-1);
  return { jobs, ...(jobs.length < limit || last === undefined ? {} : { nextCursor: encodeCursor(last.id) }) };
}
const tags = ['jobs'];

/** Jobs: asking, looking, cancelling, repeating, answering. */
export function registerJobRoutes(server: GatewayServer, deps: RouteDeps): void {
  registerAsking(server, deps);
  registerLooking(server, deps);
  registerActing(server, deps);
}

function registerAsking(server: GatewayServer, deps: RouteDeps): void {
  server.post(
    '/api/v1/jobs',
    submissionRoute({
      tags,
      summary:
        'Ask for anything: a recipe with options, words, shots, a workflow, something made from an earlier result',
      bodyLimit: 6 * 1_024 * 1_024,
      body: z.strictObject({ ...submitFields, request: requestBodySchema }),
      codes: ['NOT_FOUND'],
    }),
    (request, reply) => takeSubmission(deps, reply, request, request.body.request),
  );

  server.post(
    '/api/v1/shots',
    submissionRoute({
      tags,
      summary: 'Ask for a storyboard: one picture or video a shot',
      body: z.strictObject({
        ...submitFields,
        shots: z.array(shotSchema).min(1).max(24),
        style: z.string().max(4_000).optional(),
        options: imagineOptionsSchema.omit({ prompt: true }).partial().optional(),
      }),
    }),
    (request, reply) => {
      const { client_id: _client, private: _private, ...rest } = request.body;
      return takeSubmission(deps, reply, request, { kind: 'shots', ...rest });
    },
  );
}

function registerLooking(server: GatewayServer, { desk }: RouteDeps): void {
  server.get(
    '/api/v1/jobs',
    {
      schema: {
        tags,
        summary: 'My jobs, newest first, whatever the door they came through',
        querystring: listQuery,
        response: { 200: jobPageSchema, ...problems() },
      },
    },
    async (request) => {
      const { limit, cursor, client_id: clientId, state, finished } = request.query;
      const { personId } = principalOf(request);
      const states = state === undefined ? undefined : [state];
      return toPage(
        await desk.listJobs({ personId, limit, before: decodeCursor(cursor), clientId, states, finished }),
        limit,
      );
    },
  );

  server.get(
    '/api/v1/history',
    {
      schema: {
        tags,
        summary: 'My jobs that have ended, newest first',
        querystring: z.object(pageQuery),
        response: { 200: jobPageSchema, ...problems() },
      },
    },
    async (request) => {
      const { limit, cursor } = request.query;
      const { personId } = principalOf(request);
      return toPage(await desk.listJobs({ personId, limit, before: decodeCursor(cursor), finished: true }), limit);
    },
  );

  server.get(
    '/api/v1/jobs/:id',
    {
      schema: {
        tags,
        summary: 'One job',
        params: jobParams,
        response: { 200: jobViewSchema, ...problems('NOT_FOUND') },
      },
    },
    (request) => desk.readJob(principalOf(request), request.params.id),
  );
}

function registerActing(server: GatewayServer, deps: RouteDeps): void {
  const { desk } = deps;

  server.post(
    '/api/v1/jobs/:id/cancel',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Cancel a job: what waits ends at once, what runs is stopped',
        params: jobParams,
        response: { 202: jobViewSchema, ...problems('NOT_FOUND', 'QUEUE_OPERATION_ERROR') },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      await desk.cancel(principal, request.params.id);
      reply.code(202);
      return desk.readJob(principal, request.params.id);
    },
  );

  server.post(
    '/api/v1/jobs/:id/retry',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Ask for the same again, with new seeds: all of it, or some shots of a storyboard',
        params: jobParams,
        headers: idempotencyHeaders,
        body: z
          .strictObject({
            shotIds: z
              .array(shotIdSchema)
              .min(1)
              .max(MAX_SHOTS)
              .optional()
              .describe('Of a storyboard: only these shots'),
          })
          .nullish(),
        response: {
          202: acceptedSchema,
          ...problems('NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED', 'QUOTA_EXCEEDED', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const earlier = await desk.readJob(principal, request.params.id);
      const shotIds = request.body?.shotIds;
      return answerSubmission(deps, reply, principal, {
        body: { kind: 'rerun', requestId: earlier.id, ...(shotIds === undefined ? {} : { shotIds }) },
        clientId: earlier.clientId,
        idempotencyKey: request.headers['idempotency-key'],
      });
    },
  );

  server.post(
    '/api/v1/jobs/:id/answer',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Answer the question that a job asks',
        params: jobParams,
        body: z.strictObject({
          questionId: uuidSchema,
          choice: z.string().min(1).max(20).optional().describe('Id of one of its choices'),
          text: z.string().min(1).max(4_000).optional().describe('Where the question allows text'),
        }),
        response: { 202: jobViewSchema, ...problems('NOT_FOUND', 'QUEUE_OPERATION_ERROR', 'UNSUPPORTED_MEDIA_TYPE') },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const { id } = request.params;
      await desk.readJob(principal, id);
      await desk.answer(principal, { requestId: id, ...request.body });
      reply.code(202);
      return desk.readJob(principal, id);
    },
  );
}
