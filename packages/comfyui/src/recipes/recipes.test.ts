import { describe, expect, it } from 'vitest';
import { errorOf } from '../errors/testing/error-of.ts';
import { recordedRegistry } from '../graph/testing/recorded-registry.ts';
import { recordedVersions } from '../registry/recorded-registry.ts';
import type { Json } from '../json/json.ts';
import { validatePrompt } from '../validate/validate-prompt.ts';
import { fitRecipe, requiredClasses } from './fit-recipe.ts';
import { instantiateRecipe } from './instantiate-recipe.ts';
import { fittingRecipes, listRecipes, recipeById } from './list-recipes.ts';
import type { Recipe, RecipeValues } from './recipe.ts';
import { customClasses, installedModels } from './testing/installed-models.ts';

const registries = new Map(
  recordedVersions.map((version) => [
    version,
    { bare: recordedRegistry(version), stocked: recordedRegistry(version, installedModels, customClasses) },
  ]),
);

function registriesOf(version: (typeof recordedVersions)[number]) {
  const found = registries.get(version);
  if (found === undefined) throw new Error(version);
  return found;
}

const { bare, stocked } = registriesOf('0.8.0');

/** Values for whatever a recipe cannot run without. */
function neededValues(recipe: Recipe, most: boolean): RecipeValues {
  const files = ['photo.png', 'second.png', 'third.png', 'fourth.png', 'fifth.png'];
  return Object.fromEntries(
    recipe.parameters.flatMap((parameter): [string, Json][] => {
      if (parameter.kind === 'text' && parameter.default === undefined) return [[parameter.name, 'a red fox in snow']];
      if (parameter.kind === 'image' && (most || parameter.optional !== true)) {
        return [[parameter.name, parameter.name === 'mask' ? 'mask.png' : 'photo.png']];
      }
      if (parameter.kind === 'images') return [[parameter.name, files.slice(0, most ? parameter.max : parameter.min)]];
      if (parameter.kind === 'loras') {
        return [
          [
            parameter.name,
            Array.from({ length: most ? parameter.max : Math.max(1, parameter.min) }, () => ({
              name: 'ink',
              strength: 0.8,
            })),
          ],
        ];
      }
      return [];
    }),
  );
}

const anyCheckpoint = recipeById('text-to-image');
const make = (params: RecipeValues, recipe = anyCheckpoint, registry = bare) =>
  instantiateRecipe(recipe, { prompt: 'a red fox', ...params }, registry, () => 0.25);

describe.each(recordedVersions)('every recipe on ComfyUI %s', (version) => {
  const server = registriesOf(version);
  it.each(listRecipes().map((recipe) => [recipe.id, recipe] as const))('%s runs where its parts are', (_id, recipe) => {
    expect(fitRecipe(recipe, server.stocked)).toMatchObject({ ok: true });
    for (const most of [false, true]) {
      const instance = instantiateRecipe(recipe, neededValues(recipe, most), server.stocked, () => 0.5);
      const verdict = validatePrompt(server.stocked, instance.workflow, { version });
      expect(verdict).toMatchObject({ status: 200, node_errors: {} });
      expect(instance.work.pixels).toBeGreaterThan(0);
      const given = Object.keys(instance.params);
      const absent = recipe.parameters.filter((parameter) => !given.includes(parameter.name));
      expect(
        absent.every((parameter) => parameter.kind === 'numbers' || ('optional' in parameter && parameter.optional)),
      ).toBe(true);
    }
  });

  it.each(listRecipes().map((recipe) => [recipe.id, recipe] as const))(
    '%s names the classes that are missing',
    (_id, recipe) => {
      const missing = requiredClasses(recipe).filter((name) => !server.bare.classes.has(name));
      const fit = fitRecipe(recipe, server.bare);
      const reasons = fit.ok ? '' : fit.reasons.map((reason) => `${reason.en} ${reason.zh}`).join(' ');
      expect(missing.filter((name) => !reasons.includes(name))).toEqual([]);
      expect(fit.ok && missing.length > 0).toBe(false);
    },
  );
});

describe('fitRecipe', () => {
  it('names what is missing, in both languages', () => {
    expect(fitRecipe(recipeById('text-to-image-sdxl'), bare)).toEqual({
      ok: false,
      reasons: [
        {
          en: 'It needs an SDXL checkpoint in models/checkpoints; found only tiny-a.safetensors, tiny-b.safetensors.',
          zh: '需要在 models/checkpoints 中放入SDXL 模型；目前只有 tiny-a.safetensors, tiny-b.safetensors。',
        },
      ],
    });
  });

  it('lets any checkpoint draw, and prefers a known one', () => {
    expect(fitRecipe(anyCheckpoint, bare)).toEqual({ ok: true, models: { model: 'tiny-a.safetensors' } });
    expect(fitRecipe(anyCheckpoint, stocked)).toEqual({ ok: true, models: { model: 'sd_xl_base_1.0.safetensors' } });
  });

  it.each([
    ['text-to-image-sdxl', { model: 'sd_xl_base_1.0.safetensors' }],
    ['text-to-image-sd15', { model: 'v1-5-pruned-emaonly-fp16.safetensors' }],
    ['text-to-image-sd3', { model: 'sd3.5_large_fp8_scaled.safetensors' }],
    ['text-to-image-flux-checkpoint', { model: 'flux1-dev-fp8.safetensors' }],
    [
      'text-to-image-flux',
      { model: 'flux1-dev.safetensors', t5: 't5xxl.safetensors', clip: 'clip_l.safetensors', vae: 'ae.safetensors' },
    ],
    [
      'text-to-image-qwen',
      {
        model: 'qwen_image_fp8_e4m3fn.safetensors',
        encoder: 'qwen_2.5_vl_7b_fp8_scaled.safetensors',
        vae: 'qwen_image_vae.safetensors',
      },
    ],
    [
      'text-to-image-z-image',
      { model: 'z_image_turbo_bf16.safetensors', encoder: 'qwen_3_4b.safetensors', vae: 'ae.safetensors' },
    ],
  ])('%s picks the right files', (id, models) => {
    expect(fitRecipe(recipeById(id), stocked)).toEqual({ ok: true, models });
  });

  it('lists what a server can run', () => {
    expect(fittingRecipes(bare, 'text-to-image').map((entry) => entry.recipe.id)).toEqual(['text-to-image']);
  });
});

describe('references with strengths of their own', () => {
  const images = ['photo.png', 'second.png', 'third.png'];
  const strengthsIn = (id: string, input: string, params: RecipeValues): unknown[] =>
    Object.values(make({ images, ...params }, recipeById(id), stocked).workflow)
      .filter((node) => node.class_type === 'StyleModelApply' || node.class_type === 'IPAdapter')
      .map((node) => node.inputs[input]);

  it.each([
    [{}, [1, 1, 1]],
    [{ strength: 0.5 }, [0.5, 0.5, 0.5]],
    [{ strengths: [0.9, 0.2, 0] }, [0.9, 0.2, 0]],
    [{ strength: 0.5, strengths: [0.9] }, [0.9, 0.5, 0.5]],
    [{ strengths: '0.9, 0.2' }, [0.9, 0.2, 1]],
    [{ strengths: 0.25 }, [0.25, 1, 1]],
    [{ strengths: [0.9, 0.2, 0, 0.7] }, [0.9, 0.2, 0]],
  ] as [RecipeValues, number[]][])('Redux: %j', (params, expected) => {
    expect(strengthsIn('flux-redux', 'strength', params)).toEqual(expected);
    expect(strengthsIn('blend-redux', 'strength', params)).toEqual(expected);
  });

  it('IP-Adapter divides them by the root of their number', () => {
    expect(strengthsIn('ip-adapter', 'weight', { strengths: [1, 0.5] })).toEqual([0.577, 0.289, 0.462]);
  });

  it('are absent from the values that were used unless they were given', () => {
    const recipe = recipeById('flux-redux');
    expect(make({ images }, recipe, stocked).params).not.toHaveProperty('strengths');
    expect(make({ images, strengths: '1,0' }, recipe, stocked).params).toMatchObject({ strengths: [1, 0] });
  });

  it.each([[[0.5, 3]], [[-0.1]], [['much']], [[null]], ['0.5;0.2'], [Array.from({ length: 101 }, () => 1)]])(
    'refuses %j in words',
    (strengths) => {
      const error = errorOf(() => make({ images, strengths }, recipeById('flux-redux'), stocked));
      expect(error.message).toMatch(/^strengths: (each is a number from 0 to 2|101 numbers; at most 100)/);
    },
  );
});

describe('instantiateRecipe', () => {
  it('resolves every parameter', () => {
    const { params, workflow, residencyKey, work } = make({
      seed: -1,
      count: 2,
      sampler: 'DPM++ 2M Karras',
      width: 509,
    });
    expect(params).toEqual({
      prompt: 'a red fox',
      negative: '',
      model: 'tiny-a.safetensors',
      width: 512,
      height: 512,
      count: 2,
      seed: 2 ** 30,
      steps: 20,
      cfg: 7,
      sampler: 'dpmpp_2m',
      scheduler: 'karras',
    });
    expect(workflow['sampled']?.inputs).toMatchObject({ seed: 2 ** 30, sampler_name: 'dpmpp_2m', scheduler: 'karras' });
    expect(residencyKey).toBe('tiny-a.safetensors');
    expect(work).toEqual({ pixelSteps: 512 * 512 * 2 * 20, steps: 20, pixels: 512 * 512, images: 2, frames: 1 });
  });

  it('lets defaults follow the model', () => {
    expect(make({}, anyCheckpoint, stocked).params).toMatchObject({ width: 1024, height: 1024 });
    expect(make({ model: 'v1-5-pruned-emaonly-fp16' }, anyCheckpoint, stocked).params).toMatchObject({
      width: 512,
      steps: 20,
    });
    expect(make({ model: 'flux1-schnell' }, recipeById('text-to-image-flux'), stocked).params).toMatchObject({
      steps: 4,
    });
  });

  it('keeps seeds to the last digit', () => {
    expect(make({ seed: 18446744073709551615n }).workflow['sampled']?.inputs['seed']).toBe(18446744073709551615n);
    expect(make({ seed: '18446744073709551615' }).params['seed']).toBe(18446744073709551615n);
  });

  it.each([
    ['euler_a', 'euler_ancestral', 'normal'],
    ['Euler a', 'euler_ancestral', 'normal'],
    ['dpm++ 2m karras', 'dpmpp_2m', 'karras'],
    ['DPM++ 2M SDE Exponential', 'dpmpp_2m_sde', 'exponential'],
    ['DPM++ SDE', 'dpmpp_sde', 'normal'],
    ['dpmpp_2m_sde_gpu', 'dpmpp_2m_sde_gpu', 'normal'],
    ['UniPC', 'uni_pc', 'normal'],
  ])('understands the sampler %j', (sampler, expected, scheduler) => {
    expect(make({ sampler }).params).toMatchObject({ sampler: expected, scheduler });
  });

  it('says what it left out', () => {
    expect(make({ negative: 'blur', cfg: 7 }, recipeById('text-to-image-flux'), stocked).ignored).toEqual([
      'negative',
      'cfg',
    ]);
  });

  it.each([
    [{ count: 0 }, /count: 0 is out of range; allowed are 1 to 8/, /1\.$/],
    [{ count: 1000 }, /1000/, /Nearest allowed value: 8/],
    [{ count: 1.5 }, /not a whole number/, /2/],
    [{ width: 100_000 }, /width: 100000/, /2048/],
    [{ height: -5 }, /height: -5/, /256/],
    [{ steps: 'many' }, /not a number/, /1 to 100/],
    [{ model: 'tiny-c' }, /no checkpoints file "tiny-c"/, /tiny-a/],
    [{ sampler: 'euller' }, /"euller"/, /euler/],
    [{ scheduler: 'karas' }, /"karas"/, /karras/],
    [{ seed: -2 }, /seed/, /^$/],
    [{ seed: '18446744073709551616' }, /seed/, /^$/],
    [{ prompt: '  ' }, /a text is needed/, /few words/],
    [{ stepz: 4 }, /no parameter "stepz"/, /steps/],
  ] as [RecipeValues, RegExp, RegExp][])('refuses %j in words', (params, message, hint) => {
    const error = errorOf(() => make(params));
    expect(error.message).toMatch(message);
    expect(error.hint ?? '').toMatch(hint);
  });

  it('refuses a prompt that is too long', () => {
    expect(errorOf(() => make({ prompt: 'x'.repeat(10_001) })).message).toBe('prompt: 10001 characters are too many.');
  });

  it('refuses a model of a family that cannot work', () => {
    const error = errorOf(() => make({ model: 'flux1-dev-fp8' }, recipeById('text-to-image-sdxl'), stocked));
    expect(error.message).toBe(
      'flux1-dev-fp8.safetensors looks like a flux model; this recipe needs an SDXL checkpoint.',
    );
    expect(error.hint).toContain('sd_xl_base_1.0');
  });
});
