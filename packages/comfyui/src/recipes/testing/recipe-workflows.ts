import type { Workflow } from '../../graph/workflow.ts';
import type { Registry } from '../../registry/registry.ts';
import { fitRecipe } from '../fit-recipe.ts';
import { instantiateRecipe } from '../instantiate-recipe.ts';
import { listRecipes } from '../list-recipes.ts';
import type { Recipe, RecipeValues } from '../recipe.ts';

/** Values for all that a recipe needs from a person. */
export function sampleValues({ parameters }: Recipe): RecipeValues {
  const values: Record<string, RecipeValues[string]> = {};
  for (const parameter of parameters) {
    const { name } = parameter;
    if (parameter.kind === 'text' && parameter.default === undefined) values[name] = 'a fox/wolf in "snow", 100% real';
    if (parameter.kind === 'image') values[name] = name === 'mask' ? 'mask.png' : 'photo.png';
    if (parameter.kind === 'images') values[name] = ['photo.png', 'second.png', 'third.png'].slice(0, parameter.max);
    if (parameter.kind === 'loras') values[name] = [{ name: 'ink', strength: 0.8 }];
  }
  return values;
}

/** A workflow of every recipe that the registry can run. */
export function recipeWorkflows(registry: Registry): { id: string; workflow: Workflow }[] {
  return listRecipes()
    .filter((recipe) => fitRecipe(recipe, registry).ok)
    .map((recipe) => ({
      id: recipe.id,
      workflow: instantiateRecipe(recipe, sampleValues(recipe), registry, () => 0.5).workflow,
    }));
}
