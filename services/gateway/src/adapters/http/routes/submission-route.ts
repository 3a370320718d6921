import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { traceparentOf } from '@atelier/shared/bus/trace-context';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { jobViewSchema, waitingSchema } from '../../../core/jobs/job-view.ts';
import type { Principal } from '../../../core/principal.ts';
import type { ProblemCode } from '../../../core/problems/problem-codes.ts';
import type { Submission } from '../../../core/submit/create-submitter.ts';
import { clientIdSchema } from '../../ws/client-message.ts';
import { idempotencyHeaders, principalOf, problems } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

export const acceptedSchema = z
  .object({
    prompt_id: uuidSchema.describe('Names the job from now on'),
    created: z.boolean().describe('False for a repeat of the same request'),
    number: z.int().describe('Place in the queue, expected until it is planned: 1 is next, 0 is on a GPU or ended'),
    waiting: waitingSchema.optional(),
    job: jobViewSchema,
  })
  .meta({ id: 'Accepted' });

/** Common to everything that is submitted. */
export const submitFields = {
  client_id: clientIdSchema.optional().describe('Whose socket hears of it'),
  private: z.boolean().optional().describe('Shown to its author alone; absent: as what it is made from'),
};

const submissionCodes = [
  'IMAGE_NOT_FOUND',
  'PAYLOAD_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'IDEMPOTENCY_KEY_REUSED',
  'QUOTA_EXCEEDED',
] as const satisfies ProblemCode[];

/** What addresses that take work have in common: the scope, the key of a repeat, and the answers. */
export function submissionRoute<Body extends z.ZodType>(route: {
  tags: string[];
  summary: string;
  body: Body;
  bodyLimit?: number;
  /** Besides what every submission can be answered with. */
  codes?: readonly ProblemCode[];
}) {
  const { tags, summary, body, bodyLimit, codes = [] } = route;
  return {
    config: { scope: 'submit' as const },
    ...(bodyLimit === undefined ? {} : { bodyLimit }),
    schema: {
      tags,
      summary,
      headers: idempotencyHeaders,
      body,
      response: { 202: acceptedSchema, ...problems(...submissionCodes, ...codes) },
    },
  };
}

/** A call of a {@link submissionRoute}. */
interface SubmissionCall {
  principal: Principal | undefined;
  headers: { 'idempotency-key'?: string | undefined };
  body: { client_id?: string | undefined; private?: boolean | undefined };
}

/** Asks for this body as the call says: for its client, under its key. */
export function takeSubmission(
  deps: RouteDeps,
  reply: FastifyReply,
  call: SubmissionCall,
  body: RequestBody,
): Promise<z.infer<typeof acceptedSchema>> {
  const { client_id: clientId, private: isPrivate } = call.body;
  const idempotencyKey = call.headers['idempotency-key'];
  return answerSubmission(deps, reply, principalOf(call), { body, clientId, isPrivate, idempotencyKey });
}

/** Asks, and answers with 202, the job as it stands, and where in the queue that is. */
export async function answerSubmission(
  deps: RouteDeps,
  reply: FastifyReply,
  principal: Principal,
  submission: Submission,
): Promise<z.infer<typeof acceptedSchema>> {
  const { requestId, created } = await deps.desk.submit(principal, submission);
  const job = await deps.desk.readJob(principal, requestId);
  const waiting = await deps.desk.placeOf(principal, job);
  reply.code(202).header('location', `/api/v1/jobs/${requestId}`).header('traceparent', traceparentOf(requestId));
  return {
    prompt_id: requestId,
    created,
    number: waiting?.position ?? 0,
    ...(waiting === undefined ? {} : { waiting }),
    job,
  };
}
