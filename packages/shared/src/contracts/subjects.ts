import type { z } from 'zod';
import {
  cancelWakeSchema,
  controlAnswerSchema,
  policyViewRequestSchema,
  policyViewSchema,
  recipeListRequestSchema,
  recipeListSchema,
  toolAnswerSchema,
  toolCallSchema,
  toolListRequestSchema,
  toolListSchema,
  workerCommandSchema,
  workflowExportRequestSchema,
  workflowExportSchema,
} from './control.ts';
import { deliveryEventSchema, jobEventSchema, requestEventSchema } from './event.ts';
import { livePreviewSchema, liveProgressSchema, liveReplySchema, liveWorkerStatusSchema } from './live.ts';

export type ServiceName = 'bot' | 'agent' | 'comfy-worker' | 'gateway';

/**
 * How a subject travels.
 * - `stream`: JetStream; acknowledged, kept, published from the outbox only.
 * - `live`: core NATS; lossy on purpose.
 * - `control`: core NATS request and reply.
 */
export type SubjectKind = 'stream' | 'live' | 'control';

export interface SubjectSpec<Data extends z.ZodType = z.ZodType, Answer extends z.ZodType | undefined = undefined> {
  kind: SubjectKind;
  /** NATS subject; `{name}` stands for one token that the publisher fills in and a subscriber leaves open. */
  subject: string;
  stream?: StreamName;
  schema: Data;
  answer: Answer;
  publishers: readonly ServiceName[];
  consumers: readonly ServiceName[];
}

export type StreamName = 'REQUESTS' | 'EVENTS';

/** The streams, declared by every service at start. Names and subjects get the bus's prefix. */
export const streams = {
  /** Doorbells for the agent. A full stream refuses rather than forgets; the rows stay in Postgres either way. */
  REQUESTS: { subjects: ['requests.v1.>'], retention: 'workqueue', discard: 'new', maxAgeMs: 0, maxMessages: 100_000 },
  /** Facts, for whoever shows or counts them. */
  EVENTS: {
    subjects: ['events.v1.>'],
    retention: 'limits',
    discard: 'old',
    maxAgeMs: 7 * 24 * 3_600_000,
    maxMessages: 5_000_000,
  },
} as const satisfies Record<
  StreamName,
  {
    subjects: readonly string[];
    retention: 'workqueue' | 'limits';
    discard: 'new' | 'old';
    maxAgeMs: number;
    maxMessages: number;
  }
>;

/** Every subject there is. */
export const subjects = {
  requestSubmitted: {
    kind: 'stream',
    subject: 'requests.v1.submitted',
    stream: 'REQUESTS',
    schema: requestEventSchema,
    answer: undefined,
    // The worker rings when jobs have ended that the agent waits for.
    publishers: ['bot', 'gateway', 'agent', 'comfy-worker'],
    consumers: ['agent'],
  },
  requestChanged: {
    kind: 'stream',
    subject: 'events.v1.request.{state}',
    stream: 'EVENTS',
    schema: requestEventSchema,
    answer: undefined,
    publishers: ['bot', 'agent', 'comfy-worker', 'gateway'],
    consumers: ['bot', 'gateway'],
  },
  jobChanged: {
    kind: 'stream',
    subject: 'events.v1.job.{state}',
    stream: 'EVENTS',
    schema: jobEventSchema,
    answer: undefined,
    publishers: ['bot', 'agent', 'comfy-worker', 'gateway'],
    consumers: ['bot', 'agent', 'comfy-worker', 'gateway'],
  },
  deliveryCreated: {
    kind: 'stream',
    subject: 'events.v1.delivery.{door}',
    stream: 'EVENTS',
    schema: deliveryEventSchema,
    answer: undefined,
    publishers: ['bot', 'agent', 'comfy-worker', 'gateway'],
    consumers: ['bot', 'gateway'],
  },
  liveProgress: {
    kind: 'live',
    subject: 'live.v1.progress.{jobId}',
    schema: liveProgressSchema,
    answer: undefined,
    publishers: ['comfy-worker'],
    consumers: ['bot', 'gateway'],
  },
  livePreview: {
    kind: 'live',
    subject: 'live.v1.preview.{jobId}',
    schema: livePreviewSchema,
    answer: undefined,
    publishers: ['comfy-worker'],
    consumers: ['bot', 'gateway'],
  },
  liveReply: {
    kind: 'live',
    subject: 'live.v1.reply.{requestId}',
    schema: liveReplySchema,
    answer: undefined,
    publishers: ['agent'],
    consumers: ['bot', 'gateway'],
  },
  liveWorkerStatus: {
    kind: 'live',
    subject: 'live.v1.worker.{instanceId}',
    schema: liveWorkerStatusSchema,
    answer: undefined,
    publishers: ['comfy-worker'],
    consumers: ['bot', 'agent', 'gateway'],
  },
  cancelWake: {
    kind: 'live',
    subject: 'control.v1.cancel',
    schema: cancelWakeSchema,
    answer: undefined,
    publishers: ['bot', 'gateway', 'agent'],
    consumers: ['comfy-worker', 'agent'],
  },
  workerCommand: {
    kind: 'control',
    subject: 'control.v1.worker.{instanceId}',
    schema: workerCommandSchema,
    answer: controlAnswerSchema,
    publishers: ['bot', 'gateway'],
    consumers: ['comfy-worker'],
  },
  recipeList: {
    kind: 'control',
    subject: 'control.v1.recipes',
    schema: recipeListRequestSchema,
    answer: recipeListSchema,
    publishers: ['bot', 'gateway'],
    consumers: ['agent'],
  },
  workflowExport: {
    kind: 'control',
    subject: 'control.v1.workflow',
    schema: workflowExportRequestSchema,
    answer: workflowExportSchema,
    publishers: ['bot', 'gateway'],
    consumers: ['agent'],
  },
  policyView: {
    kind: 'control',
    subject: 'control.v1.policy',
    schema: policyViewRequestSchema,
    answer: policyViewSchema,
    publishers: ['bot'],
    consumers: ['agent'],
  },
  toolList: {
    kind: 'control',
    subject: 'control.v1.tools',
    schema: toolListRequestSchema,
    answer: toolListSchema,
    publishers: ['gateway'],
    consumers: ['agent'],
  },
  toolCall: {
    kind: 'control',
    subject: 'control.v1.tool',
    schema: toolCallSchema,
    answer: toolAnswerSchema,
    publishers: ['gateway'],
    consumers: ['agent'],
  },
} as const satisfies Record<string, SubjectSpec<z.ZodType, z.ZodType | undefined>>;

/** An instance's name as one token of a subject, where dots would end it. */
export function instanceToken(instanceId: string): string {
  return instanceId.replaceAll('.', '_');
}

export type Subjects = typeof subjects;
export type SubjectKey = keyof Subjects;
export type SubjectData<K extends SubjectKey> = z.infer<Subjects[K]['schema']>;
export type SubjectAnswer<K extends SubjectKey> = Subjects[K]['answer'] extends z.ZodType
  ? z.infer<Subjects[K]['answer']>
  : never;
export type SubjectKeyOf<Kind extends SubjectKind> = {
  [K in SubjectKey]: Subjects[K]['kind'] extends Kind ? K : never;
}[SubjectKey];
