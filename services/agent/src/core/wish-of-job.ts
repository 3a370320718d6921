import type { Json } from '@atelier/comfyui/json/json';
import type { Recipe } from '@atelier/comfyui/recipes/recipe';
import type { JobParams } from '@atelier/shared/contracts/job';
import type { AssetRef } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { definedOnly } from './defined-only.ts';
import { leftBehind } from './left-behind.ts';
import type { Wanted } from './plan-wish.ts';

/** Names that a wish has fields for; what else a recipe takes goes by its own name. */
const WISH_NAMES = new Set([
  'prompt',
  'negative',
  'width',
  'height',
  'count',
  'seed',
  'steps',
  'cfg',
  'sampler',
  'scheduler',
  'denoise',
  'strength',
  'model',
  'loras',
]);

/** What a finished or running job was made of. */
export type MadeJob = Pick<JobWithOutputs, 'recipe' | 'inputs'> & { params?: JobParams | null | undefined };

/**
 * The wish that makes the same job again, seed and count included: its values are those that were used, so defaults that
 * changed since do not matter. Undefined for jobs of earlier versions, which do not tell.
 */
export function wishOfJob(job: MadeJob, recipe: Recipe): Wanted | undefined {
  const { params } = job;
  if (params === null || params === undefined) return undefined;
  const { values } = params;
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const number = (name: string): number | undefined => {
    const value = values[name];
    return typeof value === 'number' ? value : undefined;
  };
  const byName = new Map(job.inputs.map((input) => [input.name, input]));
  const asset = (value: Json | undefined): AssetRef[] => {
    const input = typeof value === 'string' ? byName.get(value) : undefined;
    return input === undefined ? [] : [{ hash: input.hash, mediaType: input.mediaType }];
  };
  const pictures: AssetRef[] = [];
  let mask: AssetRef | undefined;
  const parameters: Record<string, Json> = {};
  for (const parameter of recipe.parameters) {
    const value = values[parameter.name];
    if (value === undefined) continue;
    if (parameter.kind === 'image' && parameter.name === 'mask') [mask] = asset(value);
    else if (parameter.kind === 'image') pictures.push(...asset(value));
    else if (parameter.kind === 'images') pictures.push(...(Array.isArray(value) ? value.flatMap(asset) : []));
    else if (!WISH_NAMES.has(parameter.name)) parameters[parameter.name] = value;
  }
  const loras = params.loras ?? lorasIn(values['loras']);
  return {
    wish: {
      prompt: text('prompt') ?? '',
      recipe: job.recipe,
      parameters,
      ...definedOnly({
        negative: text('negative'),
        width: number('width'),
        height: number('height'),
        count: number('count'),
        seed: text('seed'),
        steps: number('steps'),
        cfg: number('cfg'),
        sampler: text('sampler'),
        scheduler: text('scheduler'),
        strength: leftBehind(values),
        model: text('model'),
        region: text('region'),
        loras,
        mask,
      }),
    },
    pictures,
    notes: [],
  };
}

function lorasIn(value: Json | undefined): { name: string; strength: number }[] | undefined {
  if (!Array.isArray(value)) return undefined;
  return value.flatMap((entry) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) return [];
    const { name, strength } = entry;
    return typeof name === 'string' && typeof strength === 'number' ? [{ name, strength }] : [];
  });
}
