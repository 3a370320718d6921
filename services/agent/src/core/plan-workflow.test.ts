import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { createCatalog, type Catalog } from './catalog.ts';
import { exportFrontend } from './read-workflow.ts';
import { ada, bob, catalogWith, createPlanningWorld, testId, type PlanningWorld } from './testing/planning-world.ts';

const seed = '18446744073709551615';
const photo = { hash: 'c'.repeat(64), mediaType: 'image/png' };
const files = { 'CheckpointLoaderSimple.ckpt_name': ['sd_xl_base_1.0.safetensors'] };

function nodes(changes: Record<string, string> = {}): string {
  const all: Record<string, string> = {
    '4': '{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"sd_xl_base_1.0.safetensors"}}',
    '5': '{"class_type":"EmptyLatentImage","inputs":{"width":832,"height":1216,"batch_size":2}}',
    '6': '{"class_type":"CLIPTextEncode","inputs":{"clip":["4",1],"text":"a lighthouse"}}',
    '7': '{"class_type":"CLIPTextEncode","inputs":{"clip":["4",1],"text":"fog"}}',
    '3': `{"class_type":"KSampler","inputs":{"model":["4",0],"positive":["6",0],"negative":["7",0],"latent_image":["5",0],"seed":${seed},"steps":21,"cfg":6.5,"sampler_name":"euler","scheduler":"karras","denoise":1}}`,
    '8': '{"class_type":"VAEDecode","inputs":{"samples":["3",0],"vae":["4",2]}}',
    '9': '{"class_type":"SaveImage","inputs":{"images":["8",0],"filename_prefix":"ComfyUI"}}',
    ...changes,
  };
  return `{${Object.entries(all)
    .filter(([, node]) => node !== '')
    .map(([id, node]) => `"${id}":${node}`)
    .join(',')}}`;
}

function run(more: Partial<Extract<RequestBody, { kind: 'workflow' }>> = {}): RequestBody {
  return { kind: 'workflow', workflowText: nodes(), ...more };
}

let catalog: Catalog;
beforeAll(() => {
  catalog = catalogWith(files);
});
let world: PlanningWorld;
beforeEach(() => {
  world = createPlanningWorld(catalog);
});

describe('a workflow that came with its request', () => {
  test('runs as it is, its seed to the last digit', async () => {
    const { plan, jobs } = await world.make(run({ name: 'My lighthouse' }));
    expect(parseJson(jobs[0]?.workflowText ?? '')).toEqual(parseJson(nodes()));
    expect(jobs[0]).toMatchObject({
      recipe: 'workflow',
      class: 'interactive',
      images: 2,
      model: 'sd_xl_base_1.0.safetensors',
      steps: 21,
      residencyKey: 'sd_xl_base_1.0.safetensors',
      params: { values: { seed, prompt: 'a lighthouse' } },
    });
    expect(jobs[0]?.estimatedGpuSeconds).toBeGreaterThan(5);
    expect(plan).toMatchObject({
      recipeTitle: { en: 'My lighthouse' },
      prompt: 'a lighthouse',
      negative: 'fog',
      width: 832,
      height: 1216,
      seed,
      steps: 21,
      count: 2,
      notes: [],
    });
  });

  test('may come as the front end saves it, or wrapped as ComfyUI takes it', async () => {
    const registry = recordedRegistry('0.8.0', files);
    const frontend = stringifyJson(convertToFrontend(parseWorkflow(parseJson(nodes())), registry).workflow);
    for (const workflowText of [frontend, `{"prompt":${nodes()},"client_id":"x"}`, `\uFEFF${nodes()}`]) {
      const { plan, jobs } = await world.make(run({ workflowText }));
      expect(plan).toMatchObject({ prompt: 'a lighthouse', seed, width: 832 });
      expect(jobs[0]?.workflowText).toContain(`"seed":${seed}`);
    }
  });

  test('takes values for its parameters', async () => {
    const { plan, jobs } = await world.make(
      run({ parameters: { prompt: 'a harbour', seed: '7', width: 1024, sampler: 'Euler a' } }),
    );
    expect(plan).toMatchObject({
      prompt: 'a harbour',
      seed: '7',
      width: 1024,
      height: 1216,
      sampler: 'euler_ancestral',
    });
    expect(jobs[0]?.workflowText).toContain('"steps":21');
    const { message } = await world.refusal(run({ parameters: { promt: 'x' } }));
    expect(message.en).toContain('Did you mean prompt?');
    expect(message.zh).toContain('没有参数 "promt"');
  });

  test('finds its files under names that nobody else has', async () => {
    const workflowText = nodes({
      '5': '{"class_type":"VAEEncode","inputs":{"pixels":["10",0],"vae":["4",2]}}',
      '10': '{"class_type":"LoadImage","inputs":{"image":"my photo.png"}}',
    });
    const { message } = await world.refusal(run({ workflowText }));
    expect(message.en).toContain('my photo.png');
    const { jobs } = await world.make(run({ workflowText, files: [{ name: 'my photo.png', image: photo }] }));
    expect(jobs[0]?.inputs).toEqual([{ ...photo, name: `atelier_${photo.hash}.png` }]);
    expect(jobs[0]?.workflowText).toContain(`"image":"atelier_${photo.hash}.png"`);
  });

  test('runs only the outputs that are asked for', async () => {
    const workflowText = nodes({ '11': '{"class_type":"PreviewImage","inputs":{"images":["8",0]}}' });
    const { jobs } = await world.make(run({ workflowText, targets: ['11'] }));
    expect(Object.keys(JSON.parse(jobs[0]?.workflowText ?? '{}')).sort()).toEqual(['11', '3', '4', '5', '6', '7', '8']);
    expect((await world.refusal(run({ targets: ['99'] }))).message.en).toContain('not in the workflow');
  });

  test.each<[string, string, string, string]>([
    ['no JSON', '{"3":', 'Not valid JSON', '不是有效的 JSON'],
    ['a list', '[1,2]', 'JSON object', 'JSON 对象'],
    [
      'an unknown class',
      nodes({ '8': '{"class_type":"VAEDecod","inputs":{}}' }),
      'nearest: VAEDecode',
      '相近：VAEDecode',
    ],
    [
      'a class that is closed',
      nodes({ '12': '{"class_type":"SaveLatent","inputs":{"samples":["3",0],"filename_prefix":"x"}}' }),
      'may not be used',
      '不允许使用节点 SaveLatent',
    ],
    ['no output', nodes({ '9': '' }), 'no output node', '没有此 ComfyUI 认识的输出节点'],
    [
      'a model that is not there',
      nodes({ '4': '{"class_type":"CheckpointLoaderSimple","inputs":{"ckpt_name":"sd_xl_bas.safetensors"}}' }),
      'Did you mean',
      '是否指',
    ],
    [
      'a link of another type',
      nodes({ '8': '{"class_type":"VAEDecode","inputs":{"samples":["4",0],"vae":["4",2]}}' }),
      'is needed',
      '需要 LATENT',
    ],
    [
      'a missing input',
      nodes({ '8': '{"class_type":"VAEDecode","inputs":{"samples":["3",0]}}' }),
      'It needs VAE',
      '需要 VAE',
    ],
    [
      'a circle',
      nodes({
        '5': '{"class_type":"LatentUpscaleBy","inputs":{"samples":["3",0],"upscale_method":"area","scale_by":1}}',
      }),
      'has a cycle',
      '环',
    ],
    [
      "somebody else's stored picture",
      nodes({
        '5': '{"class_type":"VAEEncode","inputs":{"pixels":["10",0],"vae":["4",2]}}',
        '10': `{"class_type":"LoadImage","inputs":{"image":"atelier_${'d'.repeat(64)}.png"}}`,
      }),
      'atelier_',
      'atelier_',
    ],
  ])('%s is refused in words', async (_name, workflowText, en, zh) => {
    const error = await world.refusal(run({ workflowText }));
    expect(error.code).toMatch(/^(invalid_workflow|workflow_not_allowed)$/);
    expect(error.message.en).toContain(en);
    expect(error.message.zh).toContain(zh);
  });

  test('goes to the server that can run it', async () => {
    const two = createCatalog([recordedRegistry('0.8.0'), recordedRegistry('0.8.0', files)], listRecipes());
    const { plan } = await createPlanningWorld(two).make(run());
    expect(plan.model).toBe('sd_xl_base_1.0.safetensors');
  });

  test('is made again with another seed, its files included', async () => {
    const workflowText = nodes({
      '5': '{"class_type":"VAEEncode","inputs":{"pixels":["10",0],"vae":["4",2]}}',
      '10': '{"class_type":"LoadImage","inputs":{"image":"in.png"}}',
    });
    await world.make(run({ workflowText, files: [{ name: 'in.png', image: photo }] }), { id: testId(10) });
    const { plan, jobs } = await world.make({ kind: 'rerun', requestId: testId(10) }, { id: testId(11) });
    expect(plan.seed).not.toBe(seed);
    expect(jobs[0]?.inputs.map(({ hash }) => hash)).toEqual([photo.hash]);
    const remixed = await world.make(
      { kind: 'derive', action: 'remix', source: { requestId: testId(10) }, options: { prompt: 'a whale', seed: '3' } },
      { id: testId(12) },
    );
    expect(remixed.plan).toMatchObject({ prompt: 'a whale', seed: '3' });
  });
});

describe('a saved workflow', () => {
  const id = testId(50);
  beforeEach(() => {
    world.workflows.push({
      id,
      personId: bob,
      personName: 'Bob',
      name: 'harbour',
      title: 'Harbour at night',
      shared: true,
      defaults: { negative: 'people', steps: 9 },
      createdAt: new Date(0),
      updatedAt: new Date(0),
      workflowText: nodes(),
    });
  });

  test('draws as a recipe does: with its own defaults, options over them, and a new seed', async () => {
    for (const recipe of ['harbour', `wf:${id}`]) {
      const { plan, jobs } = await world.make({
        kind: 'imagine',
        options: { prompt: 'ships', recipe, aspect: '16:9', count: 6, style: 'ink' },
      });
      expect(plan).toMatchObject({
        recipe: `wf:${id}`,
        recipeTitle: { en: 'Harbour at night' },
        negative: 'people',
        steps: 9,
        count: 6,
        width: 1344,
        height: 768,
      });
      expect(plan.prompt).toMatch(/^ships, Chinese ink wash/);
      expect(plan.seed).not.toBe(seed);
      expect(jobs.map(({ images }) => images)).toEqual([4, 2]);
      const seeds = jobs.map(({ params }) => Number(params?.values['seed']));
      expect((seeds[1] ?? 0) - (seeds[0] ?? 0)).toBe(1);
    }
  });

  test('that is private to another is not there', async () => {
    const [first] = world.workflows;
    if (first !== undefined) first.shared = false;
    const body: RequestBody = { kind: 'imagine', options: { prompt: 'x', recipe: `wf:${id}` } };
    expect((await world.refusal(body)).message.en).toContain('There is no workflow');
    expect(await world.plan(body, { personId: bob })).toMatchObject({ kind: 'planned' });
    expect(
      (await world.refusal({ kind: 'imagine', options: { prompt: 'x', recipe: 'harbour' } }, { personId: ada })).message
        .en,
    ).toContain('no recipe');
  });
});

test('a result opens in ComfyUI as the front end saves it', async () => {
  const { jobs } = await world.make(run());
  const registry = catalog.registries[0];
  if (registry === undefined) throw new Error('there is a registry');
  const text = exportFrontend(jobs[0]?.workflowText ?? '', registry);
  expect(JSON.parse(text)).toMatchObject({
    version: 0.4,
    nodes: expect.arrayContaining([expect.objectContaining({ type: 'KSampler' })]),
  });
  expect(text).toContain(seed);
  expect(exportFrontend(text, registry)).toBe(text);
});
