import type { NewJob } from '@atelier/shared/contracts/job';

const MEGAPIXEL = 1_000_000;
/** For sampling and decoding one megapixel, in half precision. */
const GIB_A_MEGAPIXEL = 1.5;
/** What PyTorch and the text encoder's remains take. */
const BASE_GIB = 1;
/** Larger batches are decoded in parts. */
const MAX_BATCH = 4;

/** Sizes of the weights as their makers publish them for common cards, in GiB, by parts of recipe ids and file names. */
const WEIGHTS: readonly (readonly [RegExp, number])[] = [
  [/wan|hunyuan/, 14],
  [/ltx/, 6],
  [/qwen/, 20],
  [/flux|z[-_]image/, 12],
  [/sd3/, 11],
  [/xl|pony|illustrious|noobai/, 6.5],
  [/sd[-_]?v?1|sd15|v1-5/, 2],
];

/**
 * GPU memory that a job takes at most without offloading, in GiB: a guess by the family of its model and by the size of
 * its pictures. ComfyUI gets along with less, more slowly. Undefined where the family is not known.
 */
export function guessVramGb(job: Pick<NewJob, 'recipe' | 'model' | 'pixels' | 'images'>): number | undefined {
  const about = `${job.recipe} ${job.model ?? ''}`.toLowerCase();
  const weights = WEIGHTS.find(([pattern]) => pattern.test(about))?.[1];
  if (weights === undefined) return undefined;
  const megapixels = ((job.pixels ?? 0) / MEGAPIXEL) * Math.min(Math.max(1, job.images), MAX_BATCH);
  return Math.round((BASE_GIB + weights + megapixels * GIB_A_MEGAPIXEL) * 10) / 10;
}
