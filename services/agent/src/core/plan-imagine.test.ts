import { beforeAll, describe, expect, test } from 'vitest';
import type { ImagineOptions, RequestBody } from '@atelier/shared/contracts/request';
import type { Catalog } from './catalog.ts';
import { catalogWith, createPlanningWorld, stockedCatalog } from './testing/planning-world.ts';
import { samplePng } from './testing/sample-png.ts';

const pictures = ['1', '2', '3', '4', '5'].map((digit) => ({ hash: digit.repeat(64), mediaType: 'image/png' }));

function imagine(options: Partial<ImagineOptions>): RequestBody {
  return { kind: 'imagine', options: { prompt: 'a fox', ...options } };
}

let stocked: Catalog;
beforeAll(() => {
  stocked = stockedCatalog();
});

describe('operations on pictures', () => {
  test.each<[string, Partial<ImagineOptions>, string]>([
    ['blend', { operation: 'blend', images: pictures.slice(0, 3) }, 'blend-redux'],
    ['reference', { operation: 'reference', images: pictures.slice(0, 2) }, 'flux-redux'],
    ['controlnet', { operation: 'controlnet', images: pictures.slice(0, 1) }, 'controlnet'],
    ['several pictures with words', { images: pictures.slice(0, 2) }, 'flux-redux'],
    ['one picture', { images: pictures.slice(0, 1) }, 'image-to-image'],
    ['a mask', { images: pictures.slice(0, 1), mask: pictures[1] }, 'inpaint'],
    ['a length', { durationSeconds: 2 }, 'video-wan22'],
    ['hires fix', { operation: 'hires-fix' }, 'hires-fix'],
  ])('%s chooses its recipe', async (_name, options, recipe) => {
    const { plan } = await createPlanningWorld(stocked).make(imagine(options));
    expect(plan.recipe).toBe(recipe);
  });

  test('a strength leaves pictures behind, also where the recipe counts the other way', async () => {
    const world = createPlanningWorld(stocked);
    const options = { images: pictures.slice(0, 2), strength: 0.25 };
    const reference = await world.make(imagine({ ...options, operation: 'reference' }));
    expect(reference.jobs[0]?.params?.values['strength']).toBe(0.75);
    expect(reference.plan.strength).toBe(0.25);
    const blend = await world.make(imagine({ ...options, recipe: 'blend' }));
    expect(blend.jobs[0]?.params?.values['denoise']).toBe(0.25);
    expect(blend.plan.strength).toBe(0.25);
  });

  test('a mask with transparent parts marks by them', async () => {
    for (const [alpha, channel] of [
      [0, 'alpha'],
      [255, 'red'],
    ] as const) {
      const pixels = new Uint8Array(4 * 4 * 4).fill(255);
      pixels[35] = alpha;
      const bytes = samplePng(4, 4, pixels);
      const world = createPlanningWorld(stocked, {
        files: { has: () => Promise.resolve(true), read: () => Promise.resolve(bytes) },
      });
      const { jobs } = await world.make(imagine({ images: pictures.slice(0, 1), mask: pictures[1] }));
      expect(jobs[0]?.workflowText).toContain(`"channel":"${channel}"`);
    }
  });

  test('what a server cannot do names its models', async () => {
    const { message } = await createPlanningWorld(catalogWith({})).refusal(
      imagine({ operation: 'image-to-video', images: pictures.slice(0, 1) }),
    );
    expect(message.en).toMatch(/cannot set pictures in motion: .*models\//);
    expect(message.zh).toMatch(/models\//);
  });
});

describe('LoRAs', () => {
  const files = {
    'CheckpointLoaderSimple.ckpt_name': ['sd_xl_base_1.0.safetensors', 'v1-5-pruned-emaonly.safetensors'],
    'LoraLoader.lora_name': ['styles/gouache_sdxl.safetensors', 'sd15_hands.safetensors'],
    'LoraLoaderModelOnly.lora_name': ['styles/gouache_sdxl.safetensors', 'sd15_hands.safetensors'],
  };

  test('hang behind the model, and all else from them', async () => {
    const { jobs, plan } = await createPlanningWorld(catalogWith(files)).make(
      imagine({ recipe: 'sdxl', loras: [{ name: 'gouache_sdxl', strength: 0.5 }] }),
    );
    const text = jobs[0]?.workflowText ?? '';
    expect(text).toContain('"lora_name":"styles/gouache_sdxl.safetensors","strength_model":0.5,"strength_clip":0.5');
    expect(text).toContain('"model":["loader_lora1",0]');
    expect(text).not.toMatch(/"class_type":"KSampler","inputs":\{"model":\["loader",0\]/);
    expect(plan.loras).toEqual([{ name: 'styles/gouache_sdxl.safetensors', strength: 0.5 }]);
    expect(jobs[0]?.residencyKey).toBe('sd_xl_base_1.0.safetensors + styles/gouache_sdxl.safetensors');
  });

  test.each([
    ['guache', 'gouache_sdxl'],
    ['sd15_hands', 'sd15 models'],
  ])('%s is refused with what would do', async (name, part) => {
    const world = createPlanningWorld(catalogWith(files));
    const { message } = await world.refusal(imagine({ recipe: 'sdxl', loras: [{ name, strength: 1 }] }));
    expect(message.en).toContain(part);
    expect(message.zh).toMatch(/\p{Script=Han}/u);
  });

  test('are left out where no model is drawn with, and the plan says so', async () => {
    const { plan } = await createPlanningWorld(stocked).make(
      imagine({ operation: 'upscale', images: pictures.slice(0, 1), loras: [{ name: 'charcoal', strength: 1 }] }),
    );
    expect(plan.notes.map(({ en }) => en).join()).toContain('does not use LoRAs');
  });
});

test('the list for menus tells models, LoRAs, samplers, styles and operations', () => {
  const { list } = stocked;
  expect(list.loras).toContain('sdxl/charcoal_v2.safetensors');
  expect(list.samplers).toContain('euler_ancestral');
  expect(list.schedulers).toContain('karras');
  expect(list.styles?.map(({ id }) => id)).toContain('watercolor');
  expect(list.operations).toEqual(expect.arrayContaining(['upscale', 'inpaint', 'image-to-video', 'blend']));
  expect(catalogWith({}).list.operations).not.toContain('image-to-video');
});

test('a named style is drawn by its words, in the language of the prompt', async () => {
  const world = createPlanningWorld(stocked);
  const english = await world.make(imagine({ style: 'Watercolour' }));
  expect(english.plan.prompt).toBe('a fox, watercolor painting, soft washes, paper texture');
  const chinese = await world.make(imagine({ prompt: '狐狸', style: '水彩' }));
  expect(chinese.plan.prompt).toBe('狐狸，水彩画，柔和晕染，纸张纹理');
});
