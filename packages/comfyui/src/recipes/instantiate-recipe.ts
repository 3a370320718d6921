import { ComfyError } from '../errors/comfy-error.ts';
import { estimateWork, type EstimateOptions, type WorkEstimate } from '../graph/estimate-work.ts';
import { residencyKey } from '../graph/residency.ts';
import type { Workflow } from '../graph/workflow.ts';
import type { Json } from '../json/json.ts';
import { parseNotation } from '../notation/parse-notation.ts';
import type { Registry } from '../registry/registry.ts';
import type { Recipe, RecipeValues } from './recipe.ts';
import { resolveParameters } from './resolve-parameters.ts';

export interface RecipeInstance {
  workflow: Workflow;
  /** Every parameter with the value that was used, the random seed and the picked model included. */
  params: RecipeValues;
  /** Given parameters that this recipe's models have no use for, such as a negative prompt for Flux. */
  ignored: string[];
  work: WorkEstimate;
  residencyKey: string;
}

/** A recipe's lines for these values. */
export function recipeNotation(recipe: Recipe, values: RecipeValues): string {
  return typeof recipe.notation === 'string' ? recipe.notation : recipe.notation(values);
}

/**
 * What `$name` stands for. The entries of a list are `$images_1`, `$images_2`, …; those of LoRAs `$loras_1_name` and
 * `$loras_1_strength`.
 */
function placeholderValues(recipe: Recipe, values: RecipeValues): Map<string, Json | undefined> {
  const placeholders = new Map<string, Json | undefined>();
  for (const { name } of recipe.parameters) {
    const value = values[name];
    placeholders.set(name, value);
    for (const [index, entry] of Array.isArray(value) ? value.entries() : []) {
      placeholders.set(`${name}_${index + 1}`, entry);
      if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) continue;
      for (const [field, part] of Object.entries(entry)) placeholders.set(`${name}_${index + 1}_${field}`, part);
    }
  }
  return placeholders;
}

/**
 * Makes a workflow from a recipe.
 *
 * @param params values by name; what is absent takes its default, `seed: -1` a random one.
 * @param random gives numbers from 0 up to 1, as `Math.random` does.
 * @throws ComfyError `unknown_name` or `invalid_value` in words, with the nearest allowed value as hint.
 */
export function instantiateRecipe(
  recipe: Recipe,
  params: RecipeValues,
  registry: Registry,
  random: () => number,
  options: EstimateOptions = {},
): RecipeInstance {
  const { values, ignored } = resolveParameters(recipe, params, registry, random);
  const placeholders = placeholderValues(recipe, values);
  let workflow: Workflow;
  try {
    workflow = parseNotation(recipeNotation(recipe, values), registry, { parameters: placeholders });
  } catch (cause) {
    if (!(cause instanceof ComfyError)) throw cause;
    throw new ComfyError(cause.code, `The recipe ${recipe.id} does not run on this ComfyUI: ${cause.message}`, {
      cause,
      ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    });
  }
  return {
    workflow,
    params: values,
    ignored,
    work: estimateWork(workflow, options),
    residencyKey: residencyKey(workflow),
  };
}
