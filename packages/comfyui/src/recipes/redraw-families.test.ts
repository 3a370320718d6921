import { expect, test } from 'vitest';
import { recordedRegistry } from '../graph/testing/recorded-registry.ts';
import { instantiateRecipe } from './instantiate-recipe.ts';
import { listRecipes } from './list-recipes.ts';
import { installedModels } from './testing/installed-models.ts';

const registry = recordedRegistry('0.8.0', installedModels);
const recipes = listRecipes().filter(({ id }) => /^(?:image-to-image|upscale-creative)(?:-|$)/.test(id));

test('every family redraws and enlarges', () => {
  expect(recipes.map(({ id }) => id).sort()).toEqual([
    'image-to-image',
    'image-to-image-flux',
    'image-to-image-flux-checkpoint',
    'image-to-image-qwen',
    'image-to-image-sd3',
    'image-to-image-z-image',
    'upscale-creative',
    'upscale-creative-flux',
    'upscale-creative-qwen',
    'upscale-creative-sd3',
    'upscale-creative-z-image',
  ]);
});

test.each(recipes.map((recipe) => [recipe.id, recipe] as const))(
  '%s draws from the picture, as far as denoise says',
  (_id, recipe) => {
    const given = { prompt: 'a fox', image: 'photo.png', denoise: 0.4, count: 2, seed: 5 };
    const { workflow } = instantiateRecipe(recipe, given, registry, () => 0.5);
    const classes = Object.values(workflow).map((node) => node.class_type);
    expect(workflow['sampled']?.inputs).toMatchObject({ denoise: 0.4, latent_image: ['canvas', 0], seed: 5 });
    expect(workflow['canvas']).toMatchObject({ class_type: 'RepeatLatentBatch', inputs: { amount: 2 } });
    expect(classes.filter((name) => name.startsWith('Empty'))).toEqual([]);
    expect(classes.includes('ImageUpscaleWithModel')).toBe(recipe.kind === 'upscale');
  },
);
