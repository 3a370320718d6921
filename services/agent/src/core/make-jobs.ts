import { v5 as uuidV5 } from 'uuid';
import { instantiateRecipe, type RecipeInstance } from '@atelier/comfyui/recipes/instantiate-recipe';
import type { RecipeValues } from '@atelier/comfyui/recipes/recipe';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { NewJob } from '@atelier/shared/contracts/job';
import { AppError } from '@atelier/shared/errors/app-error';
import type { RecipeOffer } from './catalog.ts';
import type { NamedPicture } from './fill-recipe.ts';

/** Under which job ids are derived: planning a request again writes the same rows. */
const JOB_NAMESPACE = '0c1f0a2e-7d0c-4b7e-9d55-2f4c7a9e6b31';
const MAX_SEED = 2n ** 64n - 1n;
/** A grid of four, as people know it; more would let one job keep the GPU, and its memory, for too long. */
const MAX_PICTURES_PER_JOB = 4;
const TIME_LIMIT_SECONDS = 600;
const MAX_TIME_LIMIT_SECONDS = 3_600;

/** Pixels × steps that one second of a common GPU draws with SDXL; a guess, used until runs were measured. */
const PIXEL_STEPS_PER_SECOND = 4_000_000;
const OVERHEAD_SECONDS = 1;
/** How much slower a pixel step is than SDXL's, by parts of recipe ids. */
const FAMILY_FACTORS: readonly (readonly [string, number])[] = [
  ['video', 6],
  ['qwen', 5],
  ['flux', 3.5],
  ['sd3', 2],
  ['z-image', 2],
  ['sd15', 0.4],
];

export interface JobsInput {
  requestId: string;
  offer: RecipeOffer;
  given: RecipeValues;
  /** Pictures wanted in all. */
  count: number;
  pictures: readonly NamedPicture[];
  random: () => number;
}

export interface MadeJobs {
  jobs: NewJob[];
  /** The values of the first job. */
  params: RecipeValues;
  /** Given values that the recipe's models have no use for. */
  ignored: string[];
}

/**
 * Makes the jobs of a request: where the recipe has a count one for each four pictures, else one for each, with seeds that
 * count on from the first.
 *
 * @throws ComfyError for values that the recipe refuses; AppError `internal` for a workflow that the server or the
 * policy would refuse, which is a fault of the recipe.
 */
export function makeJobs(input: JobsInput): MadeJobs {
  const { offer, count } = input;
  const batches = varies(offer) ? splitCount(offer, count) : [1];
  const jobs: NewJob[] = [];
  let first: RecipeInstance | undefined;
  for (const [index, images] of batches.entries()) {
    const seed = first === undefined ? undefined : nextSeed(first.params['seed'], index);
    const given = {
      ...input.given,
      ...(hasCount(offer) ? { count: images } : {}),
      ...(seed === undefined ? {} : { seed }),
    };
    const instance = instantiateRecipe(offer.recipe, given, offer.registry, input.random);
    first ??= instance;
    assertRunnable(offer, instance, input.pictures);
    jobs.push(jobOf(input, instance, index, images));
  }
  if (first === undefined) throw new RangeError('a request needs at least one picture');
  return { jobs, params: first.params, ignored: first.ignored };
}

function hasCount(offer: RecipeOffer): boolean {
  return offer.recipe.parameters.some(({ name }) => name === 'count');
}

/** Whether a second run draws another picture: without a seed it is the same again. */
function varies(offer: RecipeOffer): boolean {
  return hasCount(offer) || offer.recipe.parameters.some(({ kind }) => kind === 'seed');
}

/** Pictures by job. */
function splitCount(offer: RecipeOffer, count: number): number[] {
  const parameter = offer.recipe.parameters.find(({ name }) => name === 'count');
  const most = parameter?.kind === 'integer' ? Math.min(parameter.max, MAX_PICTURES_PER_JOB) : 1;
  const batches: number[] = [];
  for (let left = count; left > 0; left -= most) batches.push(Math.min(left, most));
  return batches;
}

function nextSeed(seed: unknown, add: number): bigint | undefined {
  if (typeof seed !== 'number' && typeof seed !== 'bigint') return undefined;
  return (BigInt(seed) + BigInt(add)) & MAX_SEED;
}

function assertRunnable(offer: RecipeOffer, instance: RecipeInstance, pictures: readonly NamedPicture[]): void {
  const files = pictures.map(({ name }) => name);
  const verdict = validatePrompt(offer.registry, instance.workflow, { files });
  if (verdict.status !== 200 || Object.keys(verdict.node_errors).length > 0) {
    throw new AppError('internal', `the recipe ${offer.recipe.id} makes a workflow that ComfyUI refuses`, {
      details: { recipe: offer.recipe.id, error: verdict.error?.message, nodeErrors: verdict.node_errors },
    });
  }
  const decision = checkPolicy(offer.registry, instance.workflow, undefined, { files });
  if (!decision.allowed) {
    const reason = decision.reasons[0];
    if (reason?.code === 'too_much_work') {
      throw new AppError('too_large', reason.message, {
        publicMessage: {
          en: 'This is more work than one request may ask for; choose fewer or smaller pictures, or fewer steps.',
          zh: '此请求的工作量超出上限，请减少张数、尺寸或步数。',
        },
      });
    }
    throw new AppError('internal', `the recipe ${offer.recipe.id} makes a workflow that the policy refuses`, {
      details: { recipe: offer.recipe.id, reasons: decision.reasons.slice(0, 5) },
    });
  }
}

function jobOf(input: JobsInput, instance: RecipeInstance, index: number, images: number): NewJob {
  const { offer, requestId } = input;
  const { work } = instance;
  const model = instance.params['model'];
  const estimatedGpuSeconds = guessSeconds(offer.recipe.id, work.pixelSteps);
  return {
    id: uuidV5(`${requestId}:${index}`, JOB_NAMESPACE),
    requestId,
    index,
    class: 'interactive',
    recipe: offer.recipe.id,
    workflowText: stringifyJson(instance.workflow),
    inputs: input.pictures.map(({ name, asset }) => ({ name, hash: asset.hash, mediaType: asset.mediaType })),
    classes: [...new Set(Object.values(instance.workflow).map((node) => node.class_type))].sort(),
    residencyKey: instance.residencyKey,
    estimateKey: [typeof model === 'string' ? model : offer.recipe.id, work.steps, work.pixels, work.images].join('|'),
    estimatedGpuSeconds,
    images,
    // Slower cards than the guessed one must have the time, too.
    timeLimitSeconds: Math.min(
      MAX_TIME_LIMIT_SECONDS,
      Math.max(TIME_LIMIT_SECONDS, Math.ceil(estimatedGpuSeconds * 4)),
    ),
  };
}

function guessSeconds(recipeId: string, pixelSteps: number): number {
  const factor = FAMILY_FACTORS.find(([part]) => recipeId.includes(part))?.[1] ?? 1;
  return Math.round((OVERHEAD_SECONDS + (pixelSteps * factor) / PIXEL_STEPS_PER_SECOND) * 100) / 100;
}
