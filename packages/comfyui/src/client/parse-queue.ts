import { z } from 'zod';
import type { NodeId } from '../graph/workflow.ts';
import type { JsonObject } from '../json/json.ts';
import { idText, json, jsonObject, numeric, optional, parseAnswer } from './parse-answer.ts';

/** A prompt in ComfyUI's queue. */
export interface QueueItem {
  /** Its place in the order: the lowest runs first; negative when it was put in front. */
  number: number;
  promptId: string;
  /** The workflow in API format, as it was posted. */
  workflow: JsonObject;
  extraData: JsonObject;
  clientId?: string | undefined;
  /** The output nodes that passed validation and will run. */
  outputNodeIds: NodeId[];
}

/** ComfyUI's queue. */
export interface PromptQueue {
  running: QueueItem[];
  /** In the order in which they will run; the server lists them in heap order. */
  pending: QueueItem[];
}

const itemSchema = z
  .tuple([numeric, z.string(), jsonObject, jsonObject], json)
  .transform(([number, promptId, workflow, extraData, outputs]): QueueItem => {
    const clientId = extraData['client_id'];
    return {
      number,
      promptId,
      workflow,
      extraData,
      clientId: typeof clientId === 'string' ? clientId : undefined,
      outputNodeIds: Array.isArray(outputs) ? outputs.filter((id) => typeof id === 'string') : [],
    };
  });

const queueSchema = z.looseObject({ queue_running: z.array(itemSchema), queue_pending: z.array(itemSchema) });

/** Reads the answer to `GET /queue`. */
export function parseQueue(text: string): PromptQueue {
  const { queue_running: running, queue_pending: pending } = parseAnswer(queueSchema, text, 'GET /queue');
  return { running, pending: pending.sort((a, b) => a.number - b.number) };
}

/** A job in the lists of `/api/jobs`, which 0.8.0 and later have: light, since it leaves the workflow out. */
export interface JobSummary {
  promptId: string;
  /** `pending`, `in_progress`, `completed`, `failed`, in later versions `cancelled`. */
  status: string;
  number?: number | undefined;
  createdAtMs?: number | undefined;
  outputsCount?: number | undefined;
}

const jobSchema = z
  .looseObject({
    id: idText,
    status: z.string(),
    priority: optional(numeric),
    create_time: optional(numeric),
    outputs_count: optional(numeric),
  })
  .transform((job): JobSummary => ({
    promptId: job.id,
    status: job.status,
    number: job.priority,
    createdAtMs: job.create_time,
    outputsCount: job.outputs_count,
  }));

/** Reads the answer to `GET /api/jobs`. */
export function parseJobList(text: string): JobSummary[] {
  return parseAnswer(z.looseObject({ jobs: z.array(jobSchema) }), text, 'GET /api/jobs').jobs;
}

/** Reads the head of the answer to `GET /api/jobs/{id}`. */
export const jobSummarySchema = jobSchema;
