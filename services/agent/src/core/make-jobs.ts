import { estimateWork, type EstimateOptions } from '@atelier/comfyui/graph/estimate-work';
import { toRecord } from '@atelier/comfyui/graph/parse-workflow';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { checkPolicy } from '@atelier/comfyui/policy/check-policy';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import { instantiateRecipe, type RecipeInstance } from '@atelier/comfyui/recipes/instantiate-recipe';
import type { RecipeValues } from '@atelier/comfyui/recipes/recipe';
import { validatePrompt } from '@atelier/comfyui/validate/validate-prompt';
import type { JobClass, JobParams, NewJob } from '@atelier/shared/contracts/job';
import { AppError } from '@atelier/shared/errors/app-error';
import { applyLoras } from './apply-loras.ts';
import type { RecipeOffer } from './catalog.ts';
import type { NamedPicture } from './name-picture.ts';
import { newJob } from './new-job.ts';
import type { NamedLora } from './words-plan.ts';

const MAX_SEED = 2n ** 64n - 1n;
/** A grid of four, as people know it; more would let one job keep the GPU, and its memory, for too long. */
const MAX_PICTURES_PER_JOB = 4;

export interface JobsInput {
  requestId: string;
  offer: RecipeOffer;
  given: RecipeValues;
  /** Pictures wanted in all. */
  count: number;
  pictures: readonly NamedPicture[];
  random: () => number;
  /** LoRAs to lay over the recipe's models, by file name. */
  loras?: readonly NamedLora[];
  /** The mask says by its transparency, not by white, what may be redrawn. */
  maskByAlpha?: boolean;
  /** The size of a picture by the name that the workflow calls it, where it is known. */
  pictureSize?: NonNullable<EstimateOptions['imageSize']>;
  /** Where its jobs stand in the request. Default 0. */
  firstIndex?: number;
  /** Default `interactive`. */
  class?: JobClass;
  shot?: Pick<JobParams, 'shotId' | 'shotPrompt'>;
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

/** The seed so many after another, beyond 2^64-1 from 0 again. */
export function nextSeed(seed: unknown, add: number): bigint | undefined {
  if (typeof seed !== 'number' && typeof seed !== 'bigint') return undefined;
  return (BigInt(seed) + BigInt(add)) & MAX_SEED;
}

function jobOf(input: JobsInput, instance: RecipeInstance, index: number, images: number): NewJob {
  const { offer, loras = [], shot = {} } = input;
  const masked = input.maskByAlpha === true ? maskByAlpha(instance.workflow) : instance.workflow;
  const workflow = applyLoras(masked, loras);
  assertRunnable(offer, workflow, input.pictures);
  return newJob({
    requestId: input.requestId,
    index: (input.firstIndex ?? 0) + index,
    class: input.class ?? 'interactive',
    recipe: offer.recipe.id,
    workflow,
    registry: offer.registry,
    work: estimateWork(workflow, input.pictureSize === undefined ? {} : { imageSize: input.pictureSize }),
    images,
    pictures: input.pictures,
    values: instance.params,
    about: { ...shot, ...(loras.length === 0 ? {} : { loras: [...loras] }) },
  });
}

/** ComfyUI reads transparent as white from the alpha channel. */
function maskByAlpha(workflow: Workflow): Workflow {
  return toRecord(
    Object.entries(workflow).map(([id, node]) => [
      id,
      node.class_type === 'LoadImageMask' ? { ...node, inputs: { ...node.inputs, channel: 'alpha' } } : node,
    ]),
  );
}

function assertRunnable(offer: RecipeOffer, workflow: Workflow, pictures: readonly NamedPicture[]): void {
  const files = pictures.map(({ name }) => name);
  const verdict = validatePrompt(offer.registry, workflow, { files });
  if (verdict.status !== 200 || Object.keys(verdict.node_errors).length > 0) {
    throw new AppError('internal', `the recipe ${offer.recipe.id} makes a workflow that ComfyUI refuses`, {
      details: { recipe: offer.recipe.id, error: verdict.error?.message, nodeErrors: verdict.node_errors },
    });
  }
  const decision = checkPolicy(offer.registry, workflow, offer.policy, { files });
  if (!decision.allowed) {
    const reason = decision.reasons[0];
    if (reason?.code === 'too_much_work') throw tooMuchWork(reason.message);
    if (reason?.code === 'class_not_allowed' && offer.policy !== defaultPolicy) throw closedByOperator(reason.message);
    throw new AppError('internal', `the recipe ${offer.recipe.id} makes a workflow that the policy refuses`, {
      details: { recipe: offer.recipe.id, reasons: decision.reasons.slice(0, 5) },
    });
  }
}

/** A request beyond what one may ask for. */
function tooMuchWork(message: string): AppError {
  return new AppError('too_large', message, {
    publicMessage: {
      en: 'This is more work than one request may ask for; choose fewer or smaller pictures, or fewer steps.',
      zh: '此请求的工作量超出上限，请减少张数、尺寸或步数。',
    },
  });
}

function closedByOperator(message: string): AppError {
  return new AppError('forbidden', message, {
    publicMessage: {
      en: `An operator has closed what this needs; ask them to open it, or ask for something else. ${message}`,
      zh: `管理员已关闭所需的节点，请联系管理员开通，或换一个请求。${message}`,
    },
  });
}
