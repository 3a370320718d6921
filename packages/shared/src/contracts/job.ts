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

/** `interactive`: somebody is waiting. `batch`: many at once, behind interactive work. */
export const jobClassSchema = z.enum(['interactive', 'batch']);
export type JobClass = z.infer<typeof jobClassSchema>;

/** A file that must be in ComfyUI's input folder before the prompt: `name` is what the workflow calls it. */
export const jobInputSchema = z.strictObject({ hash: assetHashSchema, mediaType: z.string(), name: z.string() });
export type JobInput = z.infer<typeof jobInputSchema>;

/** What a job was made with: enough to make the same, or nearly the same, again. */
export const jobParamsSchema = z.object({
  /** Values of the recipe's parameters as they were used, by name; seeds, which reach 2^64-1, as decimal digits. */
  values: z.record(z.string(), z.json()),
  /** LoRAs that were laid over the recipe. */
  loras: z.array(z.object({ name: z.string(), strength: z.number() })).optional(),
  /** The shot of a storyboard that it draws. */
  shotId: z.string().optional(),
  /** The words of that shot, as its author wrote them. */
  shotPrompt: z.string().optional(),
});
export type JobParams = z.infer<typeof jobParamsSchema>;

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
  /** The checkpoint, or the recipe where none is named: with the next three what decides how long it runs. */
  model: z.string().optional(),
  /** Sampling steps over all samplers. */
  steps: z.int().min(0).optional(),
  /** Of one image. */
  pixels: z.int().min(0).max(2_147_483_647).optional(),
  /** LoRAs that patch the model. */
  loras: z.int().min(0).max(1_000).optional(),
  /** Model files that the server must have, as `folder/name`. */
  models: z.array(z.string()).optional(),
  /** GPU memory that the server must have, in GiB; absent or 0: any. */
  vramGb: z.number().min(0).optional(),
  params: jobParamsSchema.optional(),
});
export type NewJob = z.infer<typeof newJobSchema>;

/** What a person was told about a waiting job, kept to learn from what became of it. Seconds from `at`. */
export const jobPromiseSchema = z.object({
  /** When it was told, by the database's clock, in seconds since 1970. */
  at: z.number(),
  /** As replayed, before any correction, and what held then: see `WaitForecast` of packages/queue. */
  seconds: z.number(),
  conditions: z.object({ people: z.number(), loads: z.array(z.number()).readonly() }),
  /** When it would start: in 80 of 100 cases between the two. */
  low: z.number(),
  high: z.number(),
});
export type JobPromise = z.infer<typeof jobPromiseSchema>;

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
  /**
   * `sheet`: made by us, all pictures of the job side by side. `preview`: what ComfyUI shows beside the outputs and does not
   * keep. Absent: the job made it.
   */
  kind: z.enum(['sheet', 'preview']).optional(),
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
