import { expect, test } from 'vitest';
import { recordedRegistry } from '../graph/testing/recorded-registry.ts';
import { instantiateRecipe } from '../recipes/instantiate-recipe.ts';
import { listRecipes } from '../recipes/list-recipes.ts';
import type { Recipe, RecipeValues } from '../recipes/recipe.ts';
import { customClasses, installedModels } from '../recipes/testing/installed-models.ts';
import { recordedVersions } from '../registry/recorded-registry.ts';
import { checkPolicy } from './check-policy.ts';
import { defaultPolicy } from './default-policy.ts';

// `Canny` is ComfyUI's own, but was missing on the recorded servers, so that the stand-in for it belongs to a pack.
const policy = { ...defaultPolicy, allowedClasses: [...defaultPolicy.allowedClasses, 'Canny'] };

function valuesFor({ parameters }: Recipe): RecipeValues {
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

test.each(recordedVersions)('every recipe passes the gate on ComfyUI %s', (version) => {
  const registry = recordedRegistry(version, installedModels, customClasses);
  const refused = listRecipes().flatMap((recipe) => {
    const { workflow } = instantiateRecipe(recipe, valuesFor(recipe), registry, () => 0.5);
    const decision = checkPolicy(registry, workflow, policy);
    return decision.allowed ? [] : [`${recipe.id}: ${decision.reasons.map(({ message }) => message).join(' ')}`];
  });
  expect(refused).toEqual([]);
});
