import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import type { Policy } from '@atelier/comfyui/policy/policy';
import { fitRecipe } from '@atelier/comfyui/recipes/fit-recipe';
import { comboOptions, fittingModels } from '@atelier/comfyui/recipes/pick-model';
import type { ModelParameter, Recipe, RecipeKind } from '@atelier/comfyui/recipes/recipe';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { RecipeList } from '@atelier/shared/contracts/control';
import { operationSchema } from '@atelier/shared/contracts/request';
import type { Vocabulary } from './offline-planner/reading.ts';
import { listStyles } from './styles.ts';
import type { LocalText } from './words-plan.ts';

/** A ComfyUI that a recipe can run on, as its registry tells. */
export interface RecipeOffer {
  recipe: Recipe;
  registry: Registry;
  /** What workflows may do. */
  policy: Policy;
  /** The model that it would pick; absent where it needs none. */
  model: string | undefined;
}

/** What the servers can make: recipes fitted to each registry once, so that a plan costs no more than a look. Immutable. */
export interface Catalog {
  /** In the order of preference, and within a recipe living servers first. */
  offers: readonly RecipeOffer[];
  /** Every recipe that is known, runnable or not. */
  recipes: readonly Recipe[];
  /** The registries, of living servers first. */
  registries: readonly Registry[];
  /** What workflows may do, as operators have set it. */
  policy: Policy;
  /** Why a recipe runs nowhere, by its id: the reasons of the first server. */
  reasons: ReadonlyMap<string, readonly LocalText[]>;
  /** Model files of the kinds that recipes name as their model. */
  models: readonly string[];
  vocabulary: Vocabulary;
  list: RecipeList;
}

/** The parameter that says which model a recipe draws with. */
export function modelParameter(recipe: Recipe): ModelParameter | undefined {
  return recipe.parameters.find(
    (parameter): parameter is ModelParameter => parameter.kind === 'model' && parameter.name === 'model',
  );
}

/** The end of an id without its kind: `sdxl` of `text-to-image-sdxl`. */
export function familyOf(recipe: Pick<Recipe, 'id' | 'kind'>): string | undefined {
  return recipe.id.startsWith(`${recipe.kind}-`) ? recipe.id.slice(recipe.kind.length + 1) : undefined;
}

/**
 * Fits recipes to servers.
 *
 * @param registries of living servers first, without repeats; at least one.
 * @param recipes in the order of preference within a kind.
 */
export function createCatalog(
  registries: readonly Registry[],
  recipes: readonly Recipe[],
  policy: Policy = defaultPolicy,
): Catalog {
  const offers: RecipeOffer[] = [];
  const reasons = new Map<string, readonly LocalText[]>();
  for (const recipe of recipes) {
    for (const registry of registries) {
      const fit = fitRecipe(recipe, registry);
      if (fit.ok) offers.push({ recipe, registry, policy, model: fit.models['model'] });
      else if (!reasons.has(recipe.id)) reasons.set(recipe.id, fit.reasons);
    }
  }
  for (const offer of offers) reasons.delete(offer.recipe.id);
  const models = listModels(registries, recipes);
  return {
    offers,
    recipes,
    registries,
    policy,
    reasons,
    models,
    vocabulary: {
      recipes: recipes.map(({ id }) => id),
      families: [...new Set(recipes.flatMap((recipe) => familyOf(recipe) ?? []))],
      models,
    },
    list: {
      recipes: recipes.map((recipe) => {
        const model = offers.find((offer) => offer.recipe === recipe)?.model;
        return {
          id: recipe.id,
          title: recipe.title,
          runnable: !reasons.has(recipe.id),
          ...(model === undefined ? {} : { model }),
          reasons: (reasons.get(recipe.id) ?? []).map((reason) => reason.en),
        };
      }),
      models: [...models],
      loras: offered(registries, LORA_INPUTS),
      samplers: offered(registries, [{ classType: 'KSampler', input: 'sampler_name' }]),
      schedulers: offered(registries, [{ classType: 'KSampler', input: 'scheduler' }]),
      styles: listStyles().map(({ id, title }) => ({ id, title })),
      operations: operationSchema.options.filter((kind) => offers.some(({ recipe }) => servesKind(recipe, kind))),
    },
  };
}

/** Where servers list their LoRAs. */
const LORA_INPUTS = [
  { classType: 'LoraLoader', input: 'lora_name' },
  { classType: 'LoraLoaderModelOnly', input: 'lora_name' },
];

/** What some server offers as these inputs. */
function offered(registries: readonly Registry[], inputs: readonly { classType: string; input: string }[]): string[] {
  return [...new Set(registries.flatMap((registry) => inputs.flatMap((input) => comboOptions(registry, input) ?? [])))];
}

/** The LoRA files that one server lists. */
export function lorasOf(registry: Registry): string[] {
  return offered([registry], LORA_INPUTS);
}

/** Whether a recipe does what a kind of work asks for: some that film a description begin with a picture, too. */
export function servesKind(recipe: Pick<Recipe, 'kind' | 'parameters'>, kind: RecipeKind): boolean {
  if (recipe.kind === kind) return true;
  return kind === 'image-to-video' && recipe.kind === 'text-to-video' && hasParameter(recipe, 'image');
}

/** Whether a recipe has a parameter of this name. */
export function hasParameter(recipe: Pick<Recipe, 'parameters'>, name: string): boolean {
  return recipe.parameters.some((parameter) => parameter.name === name);
}

/** Files that some recipe takes as its model: those that a recipe would pick first, in the order of preference. */
function listModels(registries: readonly Registry[], recipes: readonly Recipe[]): string[] {
  const fitting = new Set<string>();
  const others = new Set<string>();
  for (const recipe of recipes) {
    const parameter = modelParameter(recipe);
    if (parameter === undefined) continue;
    for (const registry of registries) {
      for (const file of fittingModels(parameter, registry)) fitting.add(file);
      for (const file of comboOptions(registry, parameter.from) ?? []) others.add(file);
    }
  }
  return [...fitting, ...[...others].filter((file) => !fitting.has(file))];
}

/** The recipes of a kind that run somewhere, in the order of preference. */
export function offersOfKind(catalog: Catalog, kind: RecipeKind): RecipeOffer[] {
  return catalog.offers.filter((offer) => servesKind(offer.recipe, kind));
}
