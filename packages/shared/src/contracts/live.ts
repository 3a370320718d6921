import { z } from 'zod';
import { uuidSchema } from './identity.ts';
import { publicErrorSchema } from './request.ts';

/** Progress of a running job; at most 10 a second, lossy. */
export const liveProgressSchema = z.strictObject({
  jobId: uuidSchema,
  requestId: uuidSchema,
  /** Of the whole job, 0 to 1; never falls within one attempt. */
  fraction: z.number().min(0).max(1),
  nodeId: z.string().optional(),
  classType: z.string().optional(),
  /** Steps of the running node. */
  step: z.int().min(0).optional(),
  steps: z.int().min(0).optional(),
  elapsedMs: z.int().min(0),
});
export type LiveProgress = z.infer<typeof liveProgressSchema>;

/** A preview of a running job: a JPEG of at most 512 pixels a side, in base64. Lossy. */
export const livePreviewSchema = z.strictObject({
  jobId: uuidSchema,
  requestId: uuidSchema,
  mediaType: z.literal('image/jpeg'),
  base64: z.base64(),
});
export type LivePreview = z.infer<typeof livePreviewSchema>;

/** What the jobs that ran on one ComfyUI tell of it: read from their rows, so it is the same after any restart. */
export const instanceHistorySchema = z.strictObject({
  /**
   * What its GPU is taken to hold: checkpoint and LoRAs of the last job posted there, joined by ` + `. Inferred, since ComfyUI
   * does not tell; null after a restart of it, after freeing memory, and when somebody else's prompt ran.
   */
  residentModels: z.string().nullable(),
  /** Of the last 50 jobs that succeeded there within 7 days, by recipe and model, the most frequent first; 5 at most. */
  speeds: z.array(
    z.strictObject({
      recipe: z.string(),
      model: z.string().nullable(),
      jobs: z.int().min(1),
      /** Median on the GPU. */
      gpuSeconds: z.number().min(0),
      /** Sampling steps over all that time, loading and decoding included; null where the steps are not known. */
      stepsPerSecond: z.number().min(0).nullable(),
    }),
  ),
  /** Of the last 1,000 jobs that ended there within 24 hours. */
  succeeded: z.int().min(0),
  failed: z.int().min(0),
  /** Of the last one among those that failed. */
  lastError: publicErrorSchema.extend({ at: z.iso.datetime({ offset: true }) }).nullable(),
});
export type InstanceHistory = z.infer<typeof instanceHistorySchema>;

/** What a worker says of itself every 2 s. What is absent is not known, or was not said by workers of earlier versions. */
export const liveWorkerStatusSchema = z.strictObject({
  instanceId: z.string(),
  state: z.enum(['starting', 'waiting_for_comfyui', 'idle', 'busy', 'paused', 'draining']),
  comfyuiVersion: z.string().optional(),
  /** Bytes, as ComfyUI's system stats say. */
  vramTotal: z.number().optional(),
  vramFree: z.number().optional(),
  deviceName: z.string().optional(),
  runningJobId: uuidSchema.optional(),
  /** Sampling steps that the running job makes a second. */
  stepsPerSecond: z.number().min(0).optional(),
  /** Prompts in its ComfyUI that are not ours. */
  foreignPrompts: z.int().min(0),
  /** Left out of what is stored with the instance, where its rows say it. */
  history: instanceHistorySchema.optional(),
});
export type LiveWorkerStatus = z.infer<typeof liveWorkerStatusSchema>;

/** Longest text of a reply that is streamed; the whole reply is on the request. */
export const MAX_LIVE_REPLY_CHARS = 4_000;

/**
 * What the agent is saying, while it says it: the whole text so far, at most 4 a second. Lossy; a lower `seq` is older, and a
 * text may start anew when the agent goes on to its next step.
 */
export const liveReplySchema = z.strictObject({
  requestId: uuidSchema,
  /** Counts up within a run of the agent. */
  seq: z.int().min(0),
  text: z.string().max(MAX_LIVE_REPLY_CHARS),
  /** Names of the tools at work now; empty while it speaks. */
  tools: z.array(z.string().max(100)).max(20),
});
export type LiveReply = z.infer<typeof liveReplySchema>;
