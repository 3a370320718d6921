import { z } from 'zod';
import { assetHashSchema, publicErrorSchema } from './request.ts';
import { uuidSchema } from './identity.ts';

/**
 * The states of a job. The edges and the rules of each are written above `packages/shared/src/db/jobs/`:
 * queued -> leased -> posting -> posted -> running -> storing -> succeeded; posted -> withdrawing -> queued;
 * any -> failed, cancelled, quarantined.
 */
export const jobStateSchema = z.enum([
  'queued',
  'leased',
  'posting',
  'posted',
  'running',
  'storing',
  'withdrawing',
  'succeeded',
  'failed',
  'cancelled',
  'quarantined',
]);
export type JobState = z.infer<typeof jobStateSchema>;

/** States that nothing follows. */
export const finalJobStates = ['succeeded', 'failed', 'cancelled', 'quarantined'] as const satisfies JobState[];

/** `interactive`: somebody is waiting. `batch`: many at once, behind interactive work. */
export const jobClassSchema = z.enum(['interactive', 'batch']);
export type JobClass = z.infer<typeof jobClassSchema>;

/** A file that must be in ComfyUI's input folder before the prompt: `name` is what the workflow calls it. */
export const jobInputSchema = z.strictObject({ hash: assetHashSchema, mediaType: z.string(), name: z.string() });
export type JobInput = z.infer<typeof jobInputSchema>;

/** A job as the agent writes it. */
export const newJobSchema = z.strictObject({
  id: uuidSchema,
  requestId: uuidSchema,
  /** Order within the request, from 0. */
  index: z.int().min(0),
  class: jobClassSchema,
  recipe: z.string(),
  /** The workflow in API format, as JSON text: integers reach 2^64-1, so it is never parsed by JSON.parse. */
  workflowText: z.string(),
  inputs: z.array(jobInputSchema),
  /** Node classes that the server must have. */
  classes: z.array(z.string()),
  /** What it keeps loaded: checkpoint, LoRAs and recipe; jobs with the same key follow each other cheaply. */
  residencyKey: z.string(),
  /** Groups jobs that take about as long: model, steps, pixels, images. */
  estimateKey: z.string(),
  /** Expected seconds on the GPU, as a guess before anything was measured. */
  estimatedGpuSeconds: z.number().positive(),
  /** Pictures expected. */
  images: z.int().min(0),
  timeLimitSeconds: z.int().min(1),
});
export type NewJob = z.infer<typeof newJobSchema>;

/** One stored output. */
export const jobOutputSchema = z.strictObject({
  /** Order within the job, from 0. */
  index: z.int().min(0),
  hash: assetHashSchema,
  mediaType: z.string(),
  bytes: z.int().min(0),
  /** Pixels; absent for what has no picture. */
  width: z.int().optional(),
  height: z.int().optional(),
  thumbnailHash: assetHashSchema.optional(),
  nodeId: z.string(),
  filename: z.string(),
});
export type JobOutput = z.infer<typeof jobOutputSchema>;

/** Why a job ended without success. */
export const jobErrorSchema = publicErrorSchema.extend({
  nodeId: z.string().optional(),
  classType: z.string().optional(),
  /** ComfyUI's own words, shortened; for details, never for a headline. */
  details: z.string().optional(),
});
export type JobError = z.infer<typeof jobErrorSchema>;
