import { beforeAll, describe, expect, test } from 'vitest';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import type { Recipe } from '@atelier/comfyui/recipes/recipe';
import { installedModels } from '@atelier/comfyui/recipes/testing/installed-models';
import { newJobSchema } from '@atelier/shared/contracts/job';
import { planSummarySchema, type RequestBody } from '@atelier/shared/contracts/request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { createCatalog, type Catalog } from './catalog.ts';
import { chooseRecipe } from './choose-recipe.ts';
import { planRequest, type PlanOutcome } from './plan-request.ts';
import { requestOf as askedOf } from './testing/planning-world.ts';
import { createOfflineWordsPlanner } from './read-words-offline.ts';

const requestId = '7f4d7c1e-30a5-4c6b-8a39-111111111111';
const picture = { hash: 'a'.repeat(64), mediaType: 'image/png' };
const never = new AbortController().signal;

/** A server with SDXL, SD 1.5, an unknown checkpoint and an upscaler. */
const stocked = {
  'CheckpointLoaderSimple.ckpt_name': [
    'sd_xl_base_1.0.safetensors',
    'v1-5-pruned-emaonly.safetensors',
    'house-style.safetensors',
  ],
  'UpscaleModelLoader.model_name': ['RealESRGAN_x4plus.pth'],
};

function requestOf(body: RequestBody, language: 'en' | 'zh' = 'en', id = requestId): RequestRecord {
  return askedOf(body, { id, language, personId: requestId });
}

let catalog: Catalog;
beforeAll(() => {
  catalog = createCatalog([recordedRegistry('0.8.0', stocked)], listRecipes());
});

function plan(
  body: RequestBody,
  options: { known?: RequestRecord[]; language?: 'en' | 'zh'; from?: Catalog } = {},
): Promise<PlanOutcome> {
  const known = new Map((options.known ?? []).map((request) => [request.id, request]));
  return planRequest(
    requestOf(body, options.language),
    {
      catalog: options.from ?? catalog,
      words: createOfflineWordsPlanner(),
      desk: {
        read: (id) => Promise.resolve(known.get(id)),
        readJobs: () => Promise.resolve([]),
        findWorkflow: () => Promise.resolve(undefined),
      },
      random: () => 0.5,
    },
    never,
  );
}

async function planned(body: RequestBody, options: Parameters<typeof plan>[1] = {}) {
  const outcome = await plan(body, options);
  if (outcome.kind !== 'planned') throw new Error(`not planned: ${JSON.stringify(outcome)}`);
  for (const job of outcome.jobs) newJobSchema.parse(job);
  planSummarySchema.parse(outcome.plan);
  return outcome;
}

describe('explicit options', () => {
  test('become one job whose workflow carries them all', async () => {
    const { plan: summary, jobs } = await planned({
      kind: 'imagine',
      options: {
        prompt: 'a teapot',
        negative: 'text',
        aspect: '16:9',
        count: 4,
        seed: '18446744073709551615',
        steps: 12,
        cfg: 5,
        sampler: 'euler a',
      },
    });
    expect(summary).toMatchObject({
      recipe: 'text-to-image-sdxl',
      model: 'sd_xl_base_1.0.safetensors',
      prompt: 'a teapot',
      negative: 'text',
      width: 1344,
      height: 768,
      count: 4,
      seed: '18446744073709551615',
      steps: 12,
      cfg: 5,
      notes: [],
    });
    expect(jobs).toHaveLength(1);
    const [job] = jobs;
    expect(job?.workflowText).toContain('"seed":18446744073709551615');
    expect(job?.workflowText).toContain('"sampler_name":"euler_ancestral"');
    expect(job).toMatchObject({
      images: 4,
      index: 0,
      residencyKey: 'sd_xl_base_1.0.safetensors',
      estimateKey: `sd_xl_base_1.0.safetensors|12|${1344 * 768}|4|0`,
    });
    expect(() => parseJson(job?.workflowText ?? '')).not.toThrow();
  });

  test('make the same job ids whenever the request is planned', async () => {
    const body: RequestBody = { kind: 'imagine', options: { prompt: 'a teapot' } };
    const [first, second] = [await planned(body), await planned(body)];
    expect(first.jobs.map(({ id }) => id)).toEqual(second.jobs.map(({ id }) => id));
  });

  test('a model picks its recipe, by file, by stem, and a family by its name', async () => {
    const recipeOf = async (model: string) =>
      (await planned({ kind: 'imagine', options: { prompt: 'x', model } })).plan;
    expect(await recipeOf('v1-5-pruned-emaonly.safetensors')).toMatchObject({
      recipe: 'text-to-image-sd15',
      width: 512,
    });
    expect(await recipeOf('SD_XL_BASE_1.0')).toMatchObject({ recipe: 'text-to-image-sdxl' });
    expect(await recipeOf('house-style')).toMatchObject({ recipe: 'text-to-image', model: 'house-style.safetensors' });
    expect(await recipeOf('sd15')).toMatchObject({ recipe: 'text-to-image-sd15' });
  });

  test('a size that is no multiple is rounded, and the plan says so', async () => {
    const { plan: summary } = await planned({ kind: 'imagine', options: { prompt: 'x', width: 1001, height: 777 } });
    expect(summary.width).not.toBe(1001);
    expect(summary.notes[0]?.en).toContain(`${summary.width} × ${summary.height}`);
  });

  test('a style is added to the prompt', async () => {
    const { plan: summary } = await planned({ kind: 'imagine', options: { prompt: 'a cat', style: 'woodcut' } });
    expect(summary.prompt).toBe('a cat, woodcut');
  });
});

describe('what cannot be done', () => {
  test.each<[string, RequestBody, string]>([
    ['a blank prompt', { kind: 'imagine', options: { prompt: '   \n' } }, 'empty'],
    ['control characters', { kind: 'imagine', options: { prompt: 'a cat\u0000' } }, 'control characters'],
    ['an impossible size', { kind: 'imagine', options: { prompt: 'x', width: 4096, height: 4096 } }, '256 to 2048'],
    [
      'an aspect beside a size',
      { kind: 'imagine', options: { prompt: 'x', aspect: '1:1', width: 512 } },
      'either an aspect',
    ],
    ['a narrow aspect', { kind: 'imagine', options: { prompt: 'x', aspect: '1:99' } }, 'too narrow'],
    [
      'a model that is not there',
      { kind: 'imagine', options: { prompt: 'x', model: 'sd_xl_bass' } },
      'sd_xl_base_1.0.safetensors',
    ],
    [
      'a recipe that is not there',
      { kind: 'imagine', options: { prompt: 'x', recipe: 'text-to-imag-sdxl' } },
      'text-to-image-sdxl',
    ],
    [
      'a recipe whose models are missing',
      { kind: 'imagine', options: { prompt: 'x', recipe: 'text-to-image-qwen' } },
      'Qwen-Image',
    ],
    ['a sampler that is not there', { kind: 'imagine', options: { prompt: 'x', sampler: 'eulr' } }, 'euler'],
    [
      'an attachment that is no picture',
      { kind: 'imagine', options: { prompt: 'x', images: [{ hash: 'b'.repeat(64), mediaType: 'application/pdf' }] } },
      'not a picture',
    ],
    [
      'an upscale without a picture',
      { kind: 'imagine', options: { prompt: 'x', recipe: 'upscale' } },
      'needs a picture',
    ],
    ['too many pictures in words', { kind: 'words', text: '1000 images of a cat' }, '1 to 8'],
    ['a seed beyond 64 bits', { kind: 'imagine', options: { prompt: 'x', seed: '99999999999999999999' } }, 'seed'],
    [
      'a repeat of what is not there',
      { kind: 'rerun', requestId: '00000000-0000-4000-8000-000000000000' },
      'no longer exists',
    ],
  ])('%s fails with one sentence in each language', async (_name, body, part) => {
    const outcome = await plan(body);
    expect(outcome.kind).toBe('failed');
    if (outcome.kind !== 'failed') return;
    expect(outcome.error.message.en).toContain(part);
    expect(outcome.error.message.zh).toMatch(/\p{Script=Han}/u);
  });

  test('a server without any model names what is missing', async () => {
    const bare = createCatalog(
      [recordedRegistry('0.8.0')],
      listRecipes().filter(({ id }) => id === 'text-to-image-sdxl'),
    );
    const outcome = await plan({ kind: 'words', text: 'a fox' }, { from: bare });
    expect(outcome).toMatchObject({
      kind: 'failed',
      error: { message: { en: expect.stringContaining('models/checkpoints') } },
    });
  });
});

describe('words', () => {
  test('options beside the words win over the words', async () => {
    const { plan: summary } = await planned({
      kind: 'words',
      text: 'a fox, portrait, 2 images, seed 5',
      options: { count: 3, width: 768, height: 768, negative: 'snow' },
    });
    expect(summary).toMatchObject({ prompt: 'a fox', count: 3, width: 768, height: 768, seed: '5', negative: 'snow' });
  });

  test('a Chinese prompt on an English model is used as it is, and the plan says so', async () => {
    const { plan: summary } = await planned({ kind: 'words', text: '雪地里的红狐狸，两张' });
    expect(summary.prompt).toBe('雪地里的红狐狸');
    expect(summary.notes[0]?.zh).toContain('未经翻译');
    expect(summary.notes[0]?.en).toContain('without translation');
  });

  test('a Chinese prompt prefers a model that understands Chinese', async () => {
    const models = {
      ...stocked,
      'UNETLoader.unet_name': ['z_image_turbo_bf16.safetensors', 'flux1-dev.safetensors'],
      'CLIPLoader.clip_name': ['qwen_3_4b.safetensors'],
      'VAELoader.vae_name': ['ae.safetensors'],
    };
    const both = createCatalog([recordedRegistry('0.8.0', models)], listRecipes().toReversed());
    const english = await planned({ kind: 'words', text: 'a red fox' }, { from: both });
    expect(english.plan.recipe).not.toBe('text-to-image-z-image');
    const chinese = await planned({ kind: 'words', text: '雪地里的红狐狸' }, { from: both });
    expect(chinese.plan).toMatchObject({ recipe: 'text-to-image-z-image', notes: [] });
  });

  test('an attached picture is changed, and travels with the job under its hash', async () => {
    const { plan: summary, jobs } = await planned({ kind: 'words', text: 'make it a watercolor', images: [picture] });
    expect(summary.recipe).toBe('image-to-image');
    expect(jobs[0]?.inputs).toEqual([{ ...picture, name: `atelier_${picture.hash}.png` }]);
    expect(jobs[0]?.workflowText).toContain(`atelier_${picture.hash}.png`);
  });

  test('a shape is left out where a picture gives the size, and the plan says so', async () => {
    const { plan: summary } = await planned({ kind: 'words', text: 'a watercolor, 16:9', images: [picture] });
    expect(summary.notes.map((note) => note.en).join()).toContain('sets the size of the picture itself');
  });

  test('an operation on a picture chooses its recipe, and an operation that nothing can do is refused by name', async () => {
    const upscale = chooseRecipe(catalog, { prompt: '', operation: 'upscale' }, 1);
    expect(upscale).toMatchObject({ ok: true, offer: { recipe: { id: 'upscale' } } });
    const outcome = await plan({ kind: 'words', text: '去掉背景', images: [picture] });
    expect(outcome).toMatchObject({ kind: 'failed', error: { message: { zh: expect.stringContaining('去除背景') } } });
  });

  test('two pictures of a recipe without a count are two jobs with seeds in a row', async () => {
    const recipe = listRecipes().find(({ id }) => id === 'text-to-image-sdxl');
    if (recipe === undefined) throw new Error('no such recipe');
    const single = {
      ...recipe,
      parameters: recipe.parameters.filter(({ name }) => name !== 'count'),
      notation: String(recipe.notation).replace('$count', '1'),
    };
    const from = createCatalog([recordedRegistry('0.8.0', stocked)], [single]);
    const { plan: summary, jobs } = await planned(
      { kind: 'words', text: 'a fox, seed 18446744073709551615, two images' },
      { from },
    );
    expect(summary.count).toBe(2);
    expect(jobs.map(({ index, images }) => [index, images])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    expect(jobs[0]?.workflowText).toContain('18446744073709551615');
    expect(jobs[1]?.workflowText).toContain('"seed":0');
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(2);
  });

  test.each([
    ['hello', 'en', 'Hello'],
    ['hello', 'zh', '你好'],
    ['你能做什么', 'en', '告诉我'],
    ['which models do you have', 'en', 'sd_xl_base_1.0'],
    ['four images, portrait', 'en', 'subject'],
  ] as const)('%s from a speaker of %s is answered', async (text, language, part) => {
    const outcome = await plan({ kind: 'words', text }, { language });
    expect(outcome).toMatchObject({ kind: 'replied', reply: expect.stringContaining(part) });
  });

  test('quality words change the steps', async () => {
    const stepsOf = async (text: string) => (await planned({ kind: 'words', text })).plan.steps ?? 0;
    const usual = await stepsOf('a fox');
    expect(await stepsOf('a fox, quick draft')).toBeLessThan(usual);
    expect(await stepsOf('a fox, high quality')).toBeGreaterThan(usual);
  });
});

describe('every recipe that a well stocked server can run', () => {
  test.each(['0.3.64', '0.8.0'] as const)(
    'is planned and passes validation and policy of ComfyUI %s',
    async (version) => {
      const from = createCatalog([recordedRegistry(version, installedModels)], listRecipes());
      const picturesOf = ({ parameters }: Recipe): number =>
        parameters.reduce(
          (sum, { kind, ...rest }) => sum + (kind === 'image' ? 1 : kind === 'images' && 'min' in rest ? rest.min : 0),
          0,
        );
      // LoRAs have no option of their own yet.
      const recipes = from.offers
        .map(({ recipe }) => recipe)
        .filter(({ parameters }) => !parameters.some(({ kind }) => kind === 'loras'));
      expect(recipes.length).toBeGreaterThan(10);
      for (const recipe of recipes) {
        const images = Array.from({ length: picturesOf(recipe) }, (_, index) => ({
          ...picture,
          hash: String(index).repeat(64),
        }));
        const { plan: summary } = await planned(
          { kind: 'imagine', options: { prompt: 'x', recipe: recipe.id, images } },
          { from },
        );
        expect(summary.recipe).toBe(recipe.id);
      }
    },
  );

  test('runs once where the result is the same each time, and the plan says so', async () => {
    const { plan: summary, jobs } = await planned({ kind: 'words', text: 'upscale this, 3 images', images: [picture] });
    expect(summary).toMatchObject({ recipe: 'upscale', count: 1, prompt: '' });
    expect(jobs).toHaveLength(1);
    expect(summary.notes.map((note) => note.en)).toEqual([expect.stringContaining('runs once')]);
  });
});

describe('once more', () => {
  const originalId = '11111111-2222-4333-8444-555555555555';
  const repeatId = '11111111-2222-4333-8444-666666666666';

  test('repeats the plan with a new seed, also of a repeat', async () => {
    const body: RequestBody = { kind: 'words', text: 'a fox, portrait, 2 images, seed 5, no text' };
    const original = { ...requestOf(body, 'en', originalId), plan: (await planned(body)).plan };
    const repeat = requestOf({ kind: 'rerun', requestId: originalId }, 'en', repeatId);
    const { plan: again } = await planned({ kind: 'rerun', requestId: repeatId }, { known: [original, repeat] });
    const { seed: _old, ...same } = original.plan;
    expect(again).toMatchObject(same);
    expect(again.seed).toBe(String(2 ** 31));
  });

  test('keeps what the words said and no plan tells', async () => {
    const body: RequestBody = { kind: 'words', text: 'a fox, sampler euler a, seed 5' };
    const original = { ...requestOf(body, 'en', originalId), plan: (await planned(body)).plan };
    const { jobs } = await planned({ kind: 'rerun', requestId: originalId }, { known: [original] });
    expect(jobs[0]?.workflowText).toContain('euler_ancestral');
  });

  test('keeps the pictures of the original', async () => {
    const body: RequestBody = { kind: 'words', text: 'a watercolor', images: [picture] };
    const original = { ...requestOf(body, 'en', originalId), plan: (await planned(body)).plan };
    const { jobs } = await planned({ kind: 'rerun', requestId: originalId }, { known: [original] });
    expect(jobs[0]?.inputs[0]?.hash).toBe(picture.hash);
  });

  test('reads the words again where there never was a plan', async () => {
    const original = requestOf({ kind: 'words', text: 'a fox, seed 5' }, 'en', originalId);
    const { plan: again } = await planned({ kind: 'rerun', requestId: originalId }, { known: [original] });
    expect(again).toMatchObject({ prompt: 'a fox', seed: String(2 ** 31) });
  });

  test('ends where repeats lead in a circle', async () => {
    const circle = requestOf({ kind: 'rerun', requestId: originalId }, 'en', originalId);
    const outcome = await plan({ kind: 'rerun', requestId: originalId }, { known: [circle] });
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'not_found' } });
  });
});
