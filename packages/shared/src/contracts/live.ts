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
