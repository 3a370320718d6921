import { z } from 'zod';
import { doorSchema, uuidSchema } from '@atelier/shared/contracts/identity';
import { jobStateSchema } from '@atelier/shared/contracts/job';
import {
  assetHashSchema,
  pendingQuestionSchema,
  planSummarySchema,
  requestCostSchema,
} from '@atelier/shared/contracts/request';
import { problemCodes, type ProblemCode } from '../problems/problem-codes.ts';

/**
 * Where a job stands.
 * `accepted` (committed), `planning`, `asking` (waits for an answer), `queued`, `running`; the end: `succeeded`, `replied`
 * (words are the whole answer), `failed`, `cancelled`.
 */
export const jobStatusSchema = z.enum([
  'accepted',
  'planning',
  'asking',
  'queued',
  'running',
  'succeeded',
  'replied',
  'failed',
  'cancelled',
]);
export type JobStatus = z.infer<typeof jobStatusSchema>;

const localTextSchema = z.object({ en: z.string(), zh: z.string() });

const jobFailureSchema = z
  .object({
    code: z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]),
    reason: z.string().describe('Finer than the code, such as `out_of_memory`'),
    message: localTextSchema,
    nodeId: z.string().optional(),
    classType: z.string().optional(),
    details: z.string().optional(),
  })
  .meta({ id: 'JobFailure' });

const secondsRangeSchema = z
  .object({ low: z.number(), high: z.number() })
  .describe('Seconds from now; the truth lies within in 8 of 10 cases');

export const waitingSchema = z
  .object({
    position: z.int().min(0).describe('1 is next; 0 is on a GPU'),
    ahead: z.int().min(0).describe('Unfinished requests of everybody before this one'),
    startsInSeconds: secondsRangeSchema.optional().describe('Absent while no GPU takes work'),
    endsInSeconds: secondsRangeSchema.optional(),
  })
  .meta({ id: 'Waiting' });
export type Waiting = z.infer<typeof waitingSchema>;

export const outputViewSchema = z
  .object({
    picture: z.int().describe('Order over all outputs of the job, from 0: names it in `source`'),
    runId: uuidSchema,
    nodeId: z.string(),
    filename: z.string(),
    hash: assetHashSchema,
    mediaType: z.string(),
    bytes: z.int(),
    width: z.int().optional(),
    height: z.int().optional(),
    url: z.string().describe('Below this address; needs the token. See `/assets/{hash}/url` for links without one'),
    thumbnailUrl: z.string().optional(),
  })
  .meta({ id: 'Output' });
export type OutputView = z.infer<typeof outputViewSchema>;

const runViewSchema = z
  .object({
    id: uuidSchema,
    index: z.int(),
    state: jobStateSchema,
    recipe: z.string(),
    attempts: z.int(),
    progress: z.number().min(0).max(1).optional(),
    gpuSeconds: z.number().optional(),
    instanceId: z.string().optional(),
    startedAt: z.iso.datetime().optional(),
    finishedAt: z.iso.datetime().optional(),
    error: jobFailureSchema.optional(),
  })
  .meta({ id: 'Run' });

/** What was asked, and what became of it. `id` is also the `prompt_id` of the workflow addresses. */
export const jobViewSchema = z
  .object({
    id: uuidSchema,
    door: doorSchema,
    clientId: z.string().optional(),
    kind: z.enum(['imagine', 'words', 'derive', 'describe', 'shots', 'workflow', 'rerun']),
    title: z.string().describe('The first words of what was asked'),
    status: jobStatusSchema,
    version: z.int().describe('Rises with every change'),
    isPrivate: z.boolean(),
    createdAt: z.iso.datetime(),
    updatedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().optional(),
    cancelRequested: z.boolean(),
    progress: z.number().min(0).max(1),
    waiting: waitingSchema.optional(),
    plan: planSummarySchema.optional(),
    question: pendingQuestionSchema.optional(),
    reply: z.string().optional(),
    error: jobFailureSchema.optional(),
    parent: z.object({ requestId: uuidSchema, picture: z.int().optional() }).optional(),
    cost: requestCostSchema.optional(),
    runs: z.array(runViewSchema),
    outputs: z.array(outputViewSchema),
  })
  .meta({ id: 'Job' });
export type JobView = z.infer<typeof jobViewSchema>;
