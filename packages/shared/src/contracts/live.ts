import { z } from 'zod';
import { uuidSchema } from './identity.ts';

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

/** What a worker says of itself every 2 s. */
export const liveWorkerStatusSchema = z.strictObject({
  instanceId: z.string(),
  state: z.enum(['starting', 'waiting_for_comfyui', 'idle', 'busy', 'paused', 'draining']),
  comfyuiVersion: z.string().optional(),
  /** Bytes. */
  vramTotal: z.number().optional(),
  vramFree: z.number().optional(),
  deviceName: z.string().optional(),
  runningJobId: uuidSchema.optional(),
  foreignPrompts: z.int().min(0),
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
