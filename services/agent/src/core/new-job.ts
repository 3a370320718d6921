import { v5 as uuidV5 } from 'uuid';
import { residencyKey, residentModels } from '@atelier/comfyui/graph/residency';
import type { WorkEstimate } from '@atelier/comfyui/graph/estimate-work';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import type { Json } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import type { RecipeValues } from '@atelier/comfyui/recipes/recipe';
import { neededModels } from '@atelier/comfyui/registry/needed-models';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { JobClass, JobParams, NewJob } from '@atelier/shared/contracts/job';
import type { NamedPicture } from './name-picture.ts';

/** Under which job ids are derived: planning a request again writes the same rows. */
const JOB_NAMESPACE = '0c1f0a2e-7d0c-4b7e-9d55-2f4c7a9e6b31';
const TIME_LIMIT_SECONDS = 600;
const MAX_TIME_LIMIT_SECONDS = 3_600;

/** Pixels × steps that one second of a common GPU draws with SDXL; a guess, used until runs were measured. */
const PIXEL_STEPS_PER_SECOND = 4_000_000;
const OVERHEAD_SECONDS = 1;
/** As the jobs table stores it. */
const MAX_PIXELS = 2 ** 31 - 1;
/** How much slower a pixel step is than SDXL's, by parts of recipe ids and model names. */
const FAMILY_FACTORS: readonly (readonly [string, number])[] = [
  ['video', 6],
  ['wan', 6],
  ['ltx', 6],
  ['qwen', 5],
  ['flux', 3.5],
  ['sd3', 2],
  ['z-image', 2],
  ['z_image', 2],
  ['sd15', 0.4],
];

export interface NewJobInput {
  requestId: string;
  /** Order within the request, from 0. */
  index: number;
  class: JobClass;
  recipe: string;
  workflow: Workflow;
  registry: Registry;
  work: WorkEstimate;
  /** Pictures expected. */
  images: number;
  pictures: readonly NamedPicture[];
  /** Resolved values of its parameters. */
  values: RecipeValues;
  /** What else it was made with. */
  about: Omit<JobParams, 'values'>;
}

/** A job of a request, with an id that is the same however often it is planned. */
export function newJob(input: NewJobInput): NewJob {
  const { workflow, work, values, recipe } = input;
  const named = values['model'];
  const model = typeof named === 'string' && named !== '' ? named : recipe;
  const loras = residentModels(workflow).loras.length;
  const estimatedGpuSeconds = guessSeconds(`${recipe} ${model}`.toLowerCase(), work.pixelSteps);
  return {
    id: uuidV5(`${input.requestId}:${input.index}`, JOB_NAMESPACE),
    requestId: input.requestId,
    index: input.index,
    class: input.class,
    recipe,
    workflowText: stringifyJson(workflow),
    inputs: input.pictures.map(({ name, asset }) => ({ name, hash: asset.hash, mediaType: asset.mediaType })),
    classes: [...new Set(Object.values(workflow).map((node) => node.class_type))].sort(),
    residencyKey: residencyKey(workflow),
    estimateKey: [model, work.steps, work.pixels, work.images, loras].join('|'),
    estimatedGpuSeconds,
    images: input.images,
    model,
    steps: Math.round(work.steps),
    pixels: Math.min(Math.round(work.pixels), MAX_PIXELS),
    loras,
    models: neededModels(workflow, input.registry),
    // Slower cards than the guessed one must have the time, too.
    timeLimitSeconds: Math.min(
      MAX_TIME_LIMIT_SECONDS,
      Math.max(TIME_LIMIT_SECONDS, Math.ceil(estimatedGpuSeconds * 4)),
    ),
    params: { ...input.about, values: storedValues(values) },
  };
}

type StoredValue = JobParams['values'][string];

/** Values as JSON keeps them: seeds as digits, since they reach 2^64-1. */
function storedValues(values: RecipeValues): JobParams['values'] {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, /^seed\d*$/.test(name) ? digits(value) : stored(value)]),
  );
}

function digits(value: Json): StoredValue {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : stored(value);
}

function stored(value: Json): StoredValue {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(stored);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, stored(entry)]));
  }
  return value;
}

function guessSeconds(about: string, pixelSteps: number): number {
  const factor = FAMILY_FACTORS.find(([part]) => about.includes(part))?.[1] ?? 1;
  return Math.round((OVERHEAD_SECONDS + (pixelSteps * factor) / PIXEL_STEPS_PER_SECOND) * 100) / 100;
}
