import { expect, test } from 'vitest';
import { recordedRegistry } from '../graph/testing/recorded-registry.ts';
import { instantiateRecipe } from '../recipes/instantiate-recipe.ts';
import { listRecipes } from '../recipes/list-recipes.ts';
import { customClasses, installedModels } from '../recipes/testing/installed-models.ts';
import { sampleValues } from '../recipes/testing/recipe-workflows.ts';
import { recordedVersions } from '../registry/recorded-registry.ts';
import { checkPolicy } from './check-policy.ts';
import { defaultPolicy } from './default-policy.ts';

// `Canny` is ComfyUI's own, but was missing on the recorded servers, so that the stand-in for it belongs to a pack.
const policy = { ...defaultPolicy, allowedClasses: [...defaultPolicy.allowedClasses, 'Canny'] };

test.each(recordedVersions)('every recipe passes the gate on ComfyUI %s', (version) => {
  const registry = recordedRegistry(version, installedModels, customClasses);
  const refused = listRecipes().flatMap((recipe) => {
    const { workflow } = instantiateRecipe(recipe, sampleValues(recipe), registry, () => 0.5);
    const decision = checkPolicy(registry, workflow, policy);
    return decision.allowed ? [] : [`${recipe.id}: ${decision.reasons.map(({ message }) => message).join(' ')}`];
  });
  expect(refused).toEqual([]);
});
