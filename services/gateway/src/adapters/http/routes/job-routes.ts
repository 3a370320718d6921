import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { traceparentOf } from '@atelier/shared/bus/trace-context';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import {
  imagineOptionsSchema,
  requestBodySchema,
  requestStateSchema,
  shotSchema,
} from '@atelier/shared/contracts/request';
import { decodeCursor, encodeCursor } from '../../../core/cursor.ts';
import { jobViewSchema, waitingSchema, type JobView } from '../../../core/jobs/job-view.ts';
import type { Principal } from '../../../core/principal.ts';
import type { Submission } from '../../../core/submit/create-submitter.ts';
import { clientIdSchema } from '../../ws/client-message.ts';
import { idempotencyHeaders, pageQuery, principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

export const acceptedSchema = z
  .object({
    prompt_id: uuidSchema.describe('Names the job from now on'),
    created: z.boolean().describe('False for a repeat of the same request'),
    number: z.int().describe('Place in the queue: 1 is next, 0 is on a GPU or not planned yet'),
    waiting: waitingSchema.optional(),
    job: jobViewSchema,
  })
  .meta({ id: 'Accepted' });

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

/** Common to everything that is submitted. */
export const submitFields = {
  client_id: clientIdSchema.optional().describe('Whose socket hears of it'),
  private: z.boolean().optional().describe('Shown to its author alone'),
};

/** Asks, and answers with 202 and the job as it stands. */
export async function answerSubmission(
  deps: RouteDeps,
  reply: FastifyReply,
  principal: Principal,
  submission: Submission,
): Promise<z.infer<typeof acceptedSchema>> {
  const { requestId, created } = await deps.desk.submit(principal, submission);
  const job = await deps.desk.readJob(principal, requestId);
  reply.code(202).header('location', `/api/v1/jobs/${requestId}`).header('traceparent', traceparentOf(requestId));
  return {
    prompt_id: requestId,
    created,
    number: job.waiting?.position ?? 0,
    ...(job.waiting === undefined ? {} : { waiting: job.waiting }),
    job,
  };
}

export function toPage(jobs: JobView[], limit: number): z.infer<typeof jobPageSchema> {
  const last = jobs.at(-1);
  return { jobs, ...(jobs.length < limit || last === undefined ? {} : { nextCursor: encodeCursor(last.id) }) };
}

/** Jobs: asking, looking, cancelling, repeating, answering. */
export function registerJobRoutes(server: GatewayServer, deps: RouteDeps): void {
  const { desk } = deps;
  const tags = ['jobs'];

  server.post(
    '/api/v1/jobs',
    {
      config: { scope: 'submit' },
      bodyLimit: 6 * 1_024 * 1_024,
      schema: {
        tags,
        summary:
          'Ask for anything: a recipe with options, words, shots, a workflow, something made from an earlier result',
        headers: idempotencyHeaders,
        body: z.strictObject({ ...submitFields, request: requestBodySchema }),
        response: {
          202: acceptedSchema,
          ...problems(
            'NOT_FOUND',
            'IMAGE_NOT_FOUND',
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'IDEMPOTENCY_KEY_REUSED',
            'QUOTA_EXCEEDED',
          ),
        },
      },
    },
    async (request, reply) => {
      const { client_id: clientId, private: isPrivate, request: body } = request.body;
      const idempotencyKey = request.headers['idempotency-key'];
      return answerSubmission(deps, reply, principalOf(request), { body, clientId, isPrivate, idempotencyKey });
    },
  );

  server.post(
    '/api/v1/shots',
    {
      config: { scope: 'submit' },
      schema: {
        tags,
        summary: 'Ask for a storyboard: one picture or video a shot',
        headers: idempotencyHeaders,
        body: z.strictObject({
          ...submitFields,
          shots: z.array(shotSchema).min(1).max(24),
          style: z.string().max(4_000).optional(),
          options: imagineOptionsSchema.omit({ prompt: true }).partial().optional(),
        }),
        response: {
          202: acceptedSchema,
          ...problems(
            'IMAGE_NOT_FOUND',
            'PAYLOAD_TOO_LARGE',
            'UNSUPPORTED_MEDIA_TYPE',
            'IDEMPOTENCY_KEY_REUSED',
            'QUOTA_EXCEEDED',
          ),
        },
      },
    },
    async (request, reply) => {
      const { client_id: clientId, private: isPrivate, ...rest } = request.body;
      const idempotencyKey = request.headers['idempotency-key'];
      const body = { kind: 'shots' as const, ...rest };
      return answerSubmission(deps, reply, principalOf(request), { body, clientId, isPrivate, idempotencyKey });
    },
  );

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
        summary: 'Ask for the same again, with new seeds',
        params: jobParams,
        headers: idempotencyHeaders,
        response: { 202: acceptedSchema, ...problems('NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED', 'QUOTA_EXCEEDED') },
      },
    },
    async (request, reply) => {
      const principal = principalOf(request);
      const earlier = await desk.readJob(principal, request.params.id);
      return answerSubmission(deps, reply, principal, {
        body: { kind: 'rerun', requestId: earlier.id },
        clientId: earlier.clientId,
        isPrivate: earlier.isPrivate,
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
