import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import type { Json } from '@atelier/comfyui/json/json';
import { hintNearest } from '@atelier/comfyui/notation/nearest-names';
import type { RecipeParameter } from '@atelier/comfyui/recipes/recipe';
import { resolveParameters } from '@atelier/comfyui/recipes/resolve-parameters';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { fitAspect, unusedNote } from './fill-recipe.ts';
import { ratioOf } from './limits.ts';
import { namePicture, type NamedPicture } from './name-picture.ts';
import { valuesOf, withValues, type WorkflowParameters } from './read-workflow.ts';
import type { LocalText } from './words-plan.ts';

/** A workflow with what a person wants of it. */
export interface WorkflowWish {
  text: string;
  title: LocalText;
  recipe: string;
  /** Files that it names, by the names that it uses. */
  files: readonly NamedPicture[];
  /** Values by parameter: a name that it does not have is refused. */
  parameters: Readonly<Record<string, Json>>;
  /** Values by parameter: a name that it does not have is noted. */
  wishes: Readonly<Record<string, Json>>;
  /** For its picture parameters, in order. */
  pictures: readonly AssetRef[];
  mask?: AssetRef | undefined;
  aspect?: string | undefined;
  /** Seeds as they are, or others for a new picture. */
  seeds: 'keep' | 'new';
  /** Pictures wanted; with one the workflow's own number counts. */
  count: number;
  targets?: readonly string[] | undefined;
}

/** A workflow with everything in place. */
export interface FilledWorkflow {
  workflow: Workflow;
  pictures: NamedPicture[];
  notes: LocalText[];
}

/**
 * Puts what was asked for into a workflow's parameters.
 *
 * @throws ComfyError `unknown_name`, `invalid_value` with the nearest allowed value as hint.
 */
export function fillWorkflow(
  workflow: Workflow,
  parameters: WorkflowParameters,
  registry: Registry,
  wish: WorkflowWish,
  random: () => number,
): FilledWorkflow {
  const { recipe } = parameters;
  const byName = new Map(recipe.parameters.map((parameter) => [parameter.name, parameter]));
  const unknown = Object.keys(wish.parameters).find((name) => !byName.has(name));
  if (unknown !== undefined) throw unknownParameter(unknown, [...byName.keys()]);
  const notes: LocalText[] = [];
  const values: Record<string, Json> = {};
  for (const [name, value] of Object.entries(wish.wishes)) {
    if (byName.has(name)) values[name] = value;
    else notes.push(unusedNote(name === 'denoise' ? 'strength' : name));
  }
  Object.assign(values, shapeOf(workflow, parameters, wish.aspect, notes), wish.parameters);
  const placed = placePictures(recipe.parameters, wish, notes);
  Object.assign(values, placed.values);
  const asked = recipe.parameters.filter(({ name }) => Object.hasOwn(values, name));
  const resolved = resolveParameters({ ...recipe, parameters: asked, ignores: [] }, values, registry, random).values;
  const seeds = wish.seeds === 'keep' ? {} : newSeeds(recipe.parameters, resolved, random);
  return { workflow: withValues(workflow, parameters, { ...seeds, ...resolved }), pictures: placed.pictures, notes };
}

function unknownParameter(name: string, names: readonly string[]): ComfyError {
  const hint = hintNearest(name, names);
  return new ComfyError(
    'unknown_name',
    `The workflow has no parameter "${name.slice(0, 60)}".`,
    hint === undefined ? {} : { hint },
  );
}

function newSeeds(
  parameters: readonly RecipeParameter[],
  given: Readonly<Record<string, Json>>,
  random: () => number,
): Record<string, Json> {
  const wanted = parameters.filter(({ kind, name }) => kind === 'seed' && !Object.hasOwn(given, name));
  return Object.fromEntries(wanted.map(({ name }) => [name, Math.floor(random() * 2 ** 32)]));
}

/** Width and height of about the workflow's own area in another shape. */
function shapeOf(
  workflow: Workflow,
  parameters: WorkflowParameters,
  aspect: string | undefined,
  notes: LocalText[],
): Record<string, Json> {
  if (aspect === undefined) return {};
  const { width, height } = valuesOf(workflow, parameters);
  const limits = (name: string) => parameters.recipe.parameters.find((parameter) => parameter.name === name);
  const [wide, high] = [limits('width'), limits('height')];
  if (typeof width !== 'number' || typeof height !== 'number' || wide?.kind !== 'integer' || high?.kind !== 'integer') {
    notes.push(unusedNote('aspect'));
    return {};
  }
  return fitAspect(ratioOf(aspect), width * height, wide, high);
}

function placePictures(
  parameters: readonly RecipeParameter[],
  wish: WorkflowWish,
  notes: LocalText[],
): { values: Record<string, Json>; pictures: NamedPicture[] } {
  const named = wish.pictures.map(namePicture);
  const values: Record<string, Json> = {};
  const pictures: NamedPicture[] = [];
  const mask = wish.mask === undefined ? undefined : namePicture(wish.mask);
  const names = parameters.flatMap(({ kind, name }) => (kind === 'image' ? [name] : []));
  for (const [index, name] of names.filter((name) => !name.startsWith('mask')).entries()) {
    const picture = named[index];
    if (picture === undefined) break;
    values[name] = picture.name;
    pictures.push(picture);
  }
  const unused = named.length - pictures.length;
  if (unused > 0) {
    notes.push({
      en: `This workflow had no use for ${unused} attached pictures.`,
      zh: `此工作流未使用 ${unused} 张附图。`,
    });
  }
  if (mask !== undefined && names.includes('mask')) {
    values['mask'] = mask.name;
    pictures.push(mask);
  } else if (mask !== undefined) notes.push({ en: 'The mask was not used.', zh: '蒙版未被使用。' });
  return { values, pictures };
}
