import { describe, expect, it } from 'vitest';
import { recordedRegistry, recordedWorkflows } from '../graph/testing/recorded-registry.ts';
import type { Workflow } from '../graph/workflow.ts';
import { validatePrompt } from '../validate/validate-prompt.ts';
import { fitRecipe } from './fit-recipe.ts';
import { instantiateRecipe } from './instantiate-recipe.ts';
import { listRecipes, recipeById } from './list-recipes.ts';
import { recipeFromWorkflow, renameParameter } from './recipe-from-workflow.ts';
import { parseRecipe, type RecipeValues } from './recipe.ts';
import { installedModels } from './testing/installed-models.ts';

const registry = recordedRegistry('0.8.0', installedModels);
const about = { id: 'mine', title: { en: 'Mine', zh: '我的' }, description: { en: '', zh: '' } };
const random = () => 0.5;

function make(id: string, params: RecipeValues): Workflow {
  return instantiateRecipe(recipeById(id), params, registry, random).workflow;
}

describe('recipeFromWorkflow', () => {
  it('finds what a person would set in text to image', () => {
    const workflow = make('text-to-image-sd15', { prompt: 'a fox', negative: 'blur', count: 2, height: 768 });
    const { recipe, inputs } = recipeFromWorkflow(workflow, registry, about);
    expect(
      recipe.parameters.map((parameter) => [
        parameter.name,
        'default' in parameter ? parameter.default : parameter.kind,
      ]),
    ).toEqual([
      ['prompt', 'a fox'],
      ['negative', 'blur'],
      ['seed', 'seed'],
      ['steps', 25],
      ['cfg', 7],
      ['sampler', 'dpmpp_2m'],
      ['scheduler', 'karras'],
      ['denoise', 1],
      ['count', 2],
      ['width', 512],
      ['height', 768],
      ['model', 'model'],
    ]);
    expect(inputs).toContainEqual({ parameter: 'prompt', node: 'positive', input: 'text' });
    expect(fitRecipe(recipe, registry)).toEqual({
      ok: true,
      models: { model: 'v1-5-pruned-emaonly-fp16.safetensors' },
    });
    expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
    const again = instantiateRecipe(recipe, { seed: 2 ** 31 }, registry, random);
    expect(again.workflow).toEqual(workflow);
    const changed = instantiateRecipe(
      recipe,
      { prompt: 'a wolf', width: 1000, sampler: 'euler_a' },
      registry,
      random,
    ).workflow;
    expect(changed['positive']?.inputs['text']).toBe('a wolf');
    expect(changed['canvas']?.inputs['width']).toBe(1000);
    expect(changed['sampled']?.inputs['sampler_name']).toBe('euler_ancestral');
    expect(validatePrompt(registry, changed, { version: '0.8.0' }).status).toBe(200);
  });

  it('follows guiders, schedulers, primitives and ControlNets', () => {
    const workflow: Workflow = {
      unet: { class_type: 'UNETLoader', inputs: { unet_name: 'flux1-dev.safetensors', weight_dtype: 'default' } },
      clips: {
        class_type: 'DualCLIPLoader',
        inputs: { clip_name1: 't5xxl.safetensors', clip_name2: 'clip_l.safetensors', type: 'flux' },
      },
      words: { class_type: 'PrimitiveStringMultiline', inputs: { value: 'a fox' } },
      text: { class_type: 'CLIPTextEncode', inputs: { clip: ['clips', 0], text: ['words', 0] } },
      guided: { class_type: 'FluxGuidance', inputs: { conditioning: ['text', 0], guidance: 3 } },
      guider: { class_type: 'BasicGuider', inputs: { model: ['unet', 0], conditioning: ['guided', 0] } },
      noise: { class_type: 'RandomNoise', inputs: { noise_seed: 5 } },
      kind: { class_type: 'KSamplerSelect', inputs: { sampler_name: 'euler' } },
      sigmas: {
        class_type: 'BasicScheduler',
        inputs: { model: ['unet', 0], scheduler: 'simple', steps: 12, denoise: 0.9 },
      },
      width: { class_type: 'PrimitiveInt', inputs: { value: 832 } },
      latent: { class_type: 'EmptySD3LatentImage', inputs: { width: ['width', 0], height: 1024, batch_size: 1 } },
      draw: {
        class_type: 'SamplerCustomAdvanced',
        inputs: {
          noise: ['noise', 0],
          guider: ['guider', 0],
          sampler: ['kind', 0],
          sigmas: ['sigmas', 0],
          latent_image: ['latent', 0],
        },
      },
      vae: { class_type: 'VAELoader', inputs: { vae_name: 'ae.safetensors' } },
      image: { class_type: 'VAEDecode', inputs: { samples: ['draw', 0], vae: ['vae', 0] } },
      save: { class_type: 'SaveImage', inputs: { images: ['image', 0], filename_prefix: 'x', stale: 1 } },
      unused: { class_type: 'PrimitiveInt', inputs: { value: 1 } },
    };
    const { recipe, inputs } = recipeFromWorkflow(workflow, registry, about);
    expect(Object.fromEntries(inputs.map((entry) => [entry.parameter, `${entry.node}.${entry.input}`]))).toEqual({
      prompt: 'words.value',
      seed: 'noise.noise_seed',
      sampler: 'kind.sampler_name',
      scheduler: 'sigmas.scheduler',
      steps: 'sigmas.steps',
      denoise: 'sigmas.denoise',
      guidance: 'guided.guidance',
      count: 'latent.batch_size',
      width: 'width.value',
      height: 'latent.height',
      model: 'unet.unet_name',
    });
    const made = instantiateRecipe(recipe, { width: 640, negative: 'x' }, registry, random);
    expect(made.ignored).toEqual(['negative']);
    expect(made.workflow['width']?.inputs['value']).toBe(640);
    expect(made.workflow['save']?.inputs).toEqual({ images: ['image', 0], filename_prefix: 'x' });
    expect(Object.keys(made.workflow)).not.toContain('unused');
    expect(validatePrompt(registry, made.workflow, { version: '0.8.0' }).status).toBe(200);
  });

  it('numbers what differs, shares what is equal, and finds images', () => {
    const hires = recipeFromWorkflow(make('hires-fix', { prompt: 'a fox' }), registry, about).recipe;
    expect(hires.parameters.map((parameter) => parameter.name)).toEqual(
      expect.arrayContaining(['seed', 'steps', 'denoise', 'denoise2']),
    );
    expect(hires.parameters.some((parameter) => parameter.name === 'seed2')).toBe(false);
    const masked = recipeFromWorkflow(
      make('inpaint', { prompt: 'a fox', image: 'photo.png', mask: 'mask.png' }),
      registry,
      about,
    ).recipe;
    expect(
      masked.parameters.filter((parameter) => parameter.kind === 'image').map((parameter) => parameter.name),
    ).toEqual(['image', 'mask']);
    const steered = recipeFromWorkflow(
      make('controlnet', { prompt: 'yes', negative: 'no', image: 'photo.png' }),
      registry,
      about,
    ).recipe;
    expect(steered.parameters).toContainEqual(expect.objectContaining({ name: 'prompt', default: 'yes' }));
    expect(steered.parameters).toContainEqual(expect.objectContaining({ name: 'negative', default: 'no' }));
  });

  it('gives back the same workflow for every recipe that runs', () => {
    const images = ['photo.png', 'second.png'];
    const given: RecipeValues = { prompt: 'a fox', image: 'photo.png', images, loras: ['ink'], seed: 7 };
    for (const source of listRecipes()) {
      if (!fitRecipe(source, registry).ok) continue;
      const wanted = Object.fromEntries(
        Object.entries(given).filter(([name]) => source.parameters.some((parameter) => parameter.name === name)),
      );
      const { workflow } = instantiateRecipe(source, wanted, registry, random);
      const { recipe } = recipeFromWorkflow(workflow, registry, about);
      const files = recipe.parameters
        .filter((parameter) => parameter.kind === 'image')
        .map((parameter, index) => [parameter.name, images[index] ?? ''] as const);
      const seed = recipe.parameters.some((parameter) => parameter.name === 'seed') ? { seed: 7 } : {};
      expect(instantiateRecipe(recipe, { ...seed, ...Object.fromEntries(files) }, registry, random).workflow).toEqual(
        workflow,
      );
    }
  });

  it('makes recipes that can be kept and run, whatever the workflow holds', () => {
    const workflow = make('text-to-image-sd15', { prompt: 'a fox' });
    const byClass = (name: string): string =>
      Object.keys(workflow).find((id) => workflow[id]?.class_type === name) ?? '';
    const [sampler, text] = [byClass('KSampler'), byClass('CLIPTextEncode')];
    const model = workflow[sampler]?.inputs['model'] ?? null;
    const loras: [string, Workflow[string]][] = Array.from({ length: 60 }, (_, index) => [
      `lora${index}`,
      {
        class_type: 'LoraLoaderModelOnly',
        inputs: {
          model: index === 0 ? model : [`lora${index - 1}`, 0],
          lora_name: `${index}${'n'.repeat(3_000)}`,
          strength_model: index,
        },
      },
    ]);
    const changed = (id: string, inputs: Workflow[string]['inputs']): Workflow[string] => ({
      class_type: workflow[id]?.class_type ?? '',
      inputs: { ...workflow[id]?.inputs, ...inputs },
    });
    const crowded: Workflow = {
      ...workflow,
      ...Object.fromEntries(loras),
      [sampler]: changed(sampler, { model: ['lora59', 0], steps: 20.5 }),
      [text]: changed(text, { text: 'x'.repeat(12_000) }),
    };
    const { recipe } = recipeFromWorkflow(crowded, registry, about);
    expect(recipe.parameters).toHaveLength(100);
    expect(parseRecipe(recipe)).toEqual(recipe);
    const parameters = recipe.parameters.filter((parameter) => parameter.kind !== 'model');
    const notation = recipe.notation.replaceAll(/\$(?:lora|model)\d*(?=[ )])/g, '"x"');
    const made = instantiateRecipe({ ...recipe, parameters, notation }, {}, registry, random).workflow;
    expect(made[sampler]?.inputs['steps']).toBe(20.5);
  });

  it('looks once at what many ways lead to', () => {
    const next = (id: number): Workflow[string]['inputs'] =>
      Object.fromEntries(
        ['latent_image', 'guider', 'noise', 'sampler', 'sigmas'].map((name) => [name, [String(id + 1), 0]]),
      );
    const chain = Array.from({ length: 60 }, (_, id): [string, Workflow[string]] => [
      String(id),
      { class_type: `Unknown${id}`, inputs: id === 59 ? { seed: 5 } : next(id) },
    ]);
    const save = { class_type: 'SaveImage', inputs: { images: ['0', 0], filename_prefix: 'x' } };
    const { inputs } = recipeFromWorkflow({ ...Object.fromEntries(chain), save }, registry, about);
    expect(inputs).toEqual([{ parameter: 'seed', node: '59', input: 'seed' }]);
  });

  it('survives every recorded prompt', () => {
    const outcomes = recordedWorkflows('0.8.0').map(({ workflow }) => {
      try {
        return typeof recipeFromWorkflow(workflow, registry, about).recipe.notation;
      } catch (error) {
        return String(error);
      }
    });
    expect(outcomes.filter((outcome) => outcome === 'string').length).toBeGreaterThan(250);
    expect(outcomes.filter((outcome) => !/^string$|no output node|has a cycle/.test(outcome))).toEqual([]);
  });
});

describe('parseRecipe', () => {
  it('names what is wrong', () => {
    const { recipe } = recipeFromWorkflow(make('text-to-image', { prompt: 'a fox' }), registry, about);
    expect(() => parseRecipe({ ...recipe, kind: 'magic', notation: 5 })).toThrow(/kind: .*; notation: /);
    expect(() => parseRecipe('x')).toThrow(/recipe: /);
  });
});

it('ends on long chains', () => {
  const length = 8_000;
  const chain: Workflow = Object.fromEntries([
    ['text', { class_type: 'CLIPTextEncode', inputs: { text: 'x' } }],
    [
      'draw',
      {
        class_type: 'KSampler',
        inputs: { positive: [`c${length - 1}`, 0], latent_image: ['text', 0], sigmas: [`c${length - 1}`, 0] },
      },
    ],
    ['save', { class_type: 'SaveImage', inputs: { images: ['draw', 0] } }],
    ...Array.from({ length }, (_, index) => {
      const before = index === 0 ? ['text', 0] : [`c${index - 1}`, 0];
      return [
        `c${index}`,
        { class_type: 'ControlNetApplyAdvanced', inputs: { positive: before, negative: before, sigmas: before } },
      ] as const;
    }),
  ]);
  expect(recipeFromWorkflow(chain, registry, about).recipe.notation.split('\n').length).toBeGreaterThan(length);
});

describe('renameParameter', () => {
  const { recipe } = recipeFromWorkflow(make('hires-fix', { prompt: '$seed' }), registry, about);

  it('renames in the list and in the lines, and nowhere else', () => {
    const renamed = renameParameter(recipe, 'seed', 'dice');
    expect(renamed.parameters.map((parameter) => parameter.name)).toContain('dice');
    const made = instantiateRecipe(renamed, { dice: 9 }, registry, random).workflow;
    expect(made['sampled']?.inputs['seed']).toBe(9);
    expect(made['draft']?.inputs['seed']).toBe(9);
    expect(made['positive']?.inputs['text']).toBe('$seed');
  });

  it('finds them in lines that somebody broke', () => {
    const broken = { ...recipe, notation: recipe.notation.replace('seed=$seed', 'seed=\n  $seed') };
    expect(renameParameter(broken, 'seed', 'dice').notation).toContain('seed=\n  $dice');
  });

  it.each([
    ['sead', 'dice', /no parameter "sead"/],
    ['seed', 'prompt', /cannot be its name/],
    ['seed', 'a b', /cannot be its name/],
  ])('refuses %s to %s', (from, to, message) => {
    expect(() => renameParameter(recipe, from, to)).toThrow(message);
  });
});
