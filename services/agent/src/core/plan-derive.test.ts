import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { DeriveAction, RequestBody } from '@atelier/shared/contracts/request';
import type { Catalog } from './catalog.ts';
import {
  ada,
  bob,
  catalogWith,
  createPlanningWorld,
  stockedCatalog,
  testId,
  type PlanningWorld,
} from './testing/planning-world.ts';

const original = testId(10);
const later = { id: testId(11) };
const fox: RequestBody = {
  kind: 'imagine',
  options: {
    prompt: 'a red fox',
    negative: 'text',
    model: 'juggernautXL_v9',
    steps: 12,
    sampler: 'euler a',
    seed: '18446744073709551615',
    count: 4,
  },
};

function derive(action: DeriveAction, more: Partial<Extract<RequestBody, { kind: 'derive' }>> = {}): RequestBody {
  return { kind: 'derive', action, source: { requestId: original, picture: 2 }, ...more };
}

let stocked: Catalog;
let small: Catalog;
beforeAll(() => {
  stocked = stockedCatalog();
  small = catalogWith({ 'CheckpointLoaderSimple.ckpt_name': ['juggernautXL_v9.safetensors'] });
});
let world: PlanningWorld;
beforeEach(async () => {
  world = createPlanningWorld(stocked);
  await world.make(fox, { id: original });
});
/** The hash of the third picture of the fox. */
const third = '02'.padStart(64, 'a');

describe('what is made of one picture', () => {
  test('takes the picture that is meant, of all outputs in order', async () => {
    const { jobs } = await world.make(derive('upscale_subtle'), later);
    expect(jobs).toHaveLength(1);
    expect(jobs[0]?.inputs.map(({ hash }) => hash)).toEqual([third]);
    expect(jobs[0]?.recipe).toBe('upscale');
  });

  test('a creative upscale redraws lightly with the model of the picture', async () => {
    const { plan } = await world.make(derive('upscale_creative'), later);
    expect(plan).toMatchObject({
      recipe: 'upscale-creative',
      model: 'juggernautXL_v9.safetensors',
      prompt: 'a red fox',
      strength: 0.3,
      operation: 'upscale',
    });
  });

  test.each([
    ['vary_subtle', 0.35],
    ['vary_strong', 0.75],
  ] as const)('%s keeps words, model and tuning, with another seed', async (action, strength) => {
    const { plan, jobs } = await world.make(derive(action), later);
    expect(plan).toMatchObject({
      recipe: 'image-to-image',
      model: 'juggernautXL_v9.safetensors',
      prompt: 'a red fox',
      negative: 'text',
      steps: 12,
      sampler: 'euler_ancestral',
      count: 4,
      strength,
    });
    expect(plan.seed).not.toBe('18446744073709551615');
    expect(jobs[0]?.inputs[0]?.hash).toBe(third);
  });

  test('a variation of a Flux picture is drawn with Flux', async () => {
    await world.make(
      { kind: 'imagine', options: { prompt: 'a ship', recipe: 'text-to-image-flux' } },
      { id: original },
    );
    const { plan } = await world.make(derive('vary_strong', { source: { requestId: original } }), later);
    expect(plan).toMatchObject({ recipe: 'image-to-image-flux', model: 'flux1-dev.safetensors', strength: 0.75 });
  });

  test('an edit goes to a model for edits, in the words of the order', async () => {
    const { plan, jobs } = await world.make(derive('edit', { text: 'make it night' }), later);
    expect(plan).toMatchObject({ operation: 'image-edit', prompt: 'make it night', count: 1 });
    expect(jobs[0]?.inputs[0]?.hash).toBe(third);
  });

  test('an edit without such a model redraws, with the words of the picture, and says so', async () => {
    world = createPlanningWorld(small);
    await world.make(fox, { id: original });
    const { plan } = await world.make(derive('edit', { text: 'make it night' }), later);
    expect(plan).toMatchObject({ recipe: 'image-to-image', prompt: 'make it night, a red fox', strength: 0.65 });
    expect(plan.notes.map(({ en }) => en).join()).toContain('No model for edits');
  });

  test('a described region is found by words', async () => {
    const { plan, jobs } = await world.make(
      derive('vary_region', { region: 'the tail', text: 'a striped tail' }),
      later,
    );
    expect(plan).toMatchObject({ recipe: 'inpaint-described', prompt: 'a striped tail' });
    expect(jobs[0]?.workflowText).toContain('"prompt":"the tail"');
  });

  test('a described region is shown first where that is wished, and redrawn at the second word', async () => {
    const body = { region: 'the tail', text: 'a striped tail' };
    const { plan, jobs } = await world.make(derive('vary_region', { ...body, showRegion: true }), later);
    expect(plan).toMatchObject({ recipe: 'show-region', shownRegion: 'the tail', count: 1, notes: [] });
    expect(plan.operation).toBeUndefined();
    expect(jobs[0]?.inputs.map(({ hash }) => hash)).toEqual([third]);
    expect(jobs[0]?.workflowText).toContain('"prompt":"the tail"');
    expect(jobs[0]?.workflowText).not.toContain('KSampler');
    const again = await world.make({ kind: 'rerun', requestId: later.id }, { id: testId(12) });
    expect(again.plan).toMatchObject({ recipe: 'show-region', shownRegion: 'the tail' });
    const redrawn = await world.make(derive('vary_region', body), { id: testId(13) });
    expect(redrawn.plan).toMatchObject({ recipe: 'inpaint-described', prompt: 'a striped tail' });
    expect(redrawn.plan.shownRegion).toBeUndefined();
  });

  test('a mask, or a server that finds no described region, needs no showing', async () => {
    const mask = { hash: 'f'.repeat(64), mediaType: 'image/png' };
    const body = { region: 'the tail', text: 'snow', showRegion: true } as const;
    const { jobs } = await world.make(derive('vary_region', { ...body, options: { mask } }), later);
    expect(jobs[0]?.recipe).toBe('inpaint');
    world = createPlanningWorld(small);
    await world.make(fox, { id: original });
    const { message } = await world.refusal(derive('vary_region', body), later);
    expect(message.en).toContain('comfyui_segment_anything');
  });

  test('a mask goes before words, by white', async () => {
    const mask = { hash: 'f'.repeat(64), mediaType: 'image/png' };
    const { jobs } = await world.make(
      derive('vary_region', { region: 'the tail', text: 'snow', options: { mask } }),
      later,
    );
    expect(jobs[0]?.recipe).toBe('inpaint');
    expect(jobs[0]?.inputs.map(({ hash }) => hash)).toEqual([third, mask.hash]);
    expect(jobs[0]?.workflowText).toContain('"channel":"red"');
  });

  test('a region that nothing here can find names the nodes and their pack', async () => {
    world = createPlanningWorld(small);
    await world.make(fox, { id: original });
    const { message } = await world.refusal(derive('vary_region', { region: 'the tail', text: 'snow' }), later);
    expect(message.en).toContain('GroundingDinoSAMSegment (segment anything)');
    expect(message.en).toContain('comfyui_segment_anything');
    expect(message.zh).toContain('comfyui_segment_anything');
  });

  test('outpainting adds what the shape lacks, on both sides', async () => {
    const { jobs, plan } = await world.make(derive('outpaint', { options: { aspect: '16:9' } }), later);
    expect(plan).toMatchObject({ recipe: 'outpaint', operation: 'outpaint', prompt: 'a red fox' });
    expect(jobs[0]?.params?.values).toMatchObject({ left: 400, right: 400, top: 0, bottom: 0 });
    const { message } = await world.refusal(derive('outpaint', { options: { aspect: '1:1' } }), later);
    expect(message.en).toContain('already has this shape');
  });

  test('a picture that is set in motion keeps its shape, for as long as is wished', async () => {
    const { plan, jobs } = await world.make(
      derive('animate', { text: 'the fox runs', options: { durationSeconds: 3 } }),
      later,
    );
    expect(plan).toMatchObject({ operation: 'image-to-video', prompt: 'the fox runs', durationSeconds: 3 });
    expect(plan.width).toBe(plan.height);
    expect(jobs[0]?.params?.values['frames']).toBe(73);
  });

  test('the background is removed by what the server has', async () => {
    expect((await world.make(derive('background'), later)).plan.recipe).toBe('remove-background');
    world = createPlanningWorld(small);
    await world.make(fox, { id: original });
    expect((await world.refusal(derive('background'), later)).message.en).toContain('ComfyUI-RMBG');
  });

  test('words are found where a picture without words was made from one with', async () => {
    const cut = testId(12);
    await world.make(derive('background'), { id: cut });
    const { plan } = await world.make(derive('vary_subtle', { source: { requestId: cut } }), later);
    expect(plan).toMatchObject({ prompt: 'a red fox', count: 1 });
  });
});

describe('the request again', () => {
  test('a reroll has the same settings and another seed', async () => {
    const before = await world.make(fox, { id: original });
    const { plan } = await world.make(derive('reroll'), later);
    const { seed: _seed, ...same } = before.plan;
    expect(plan).toMatchObject(same);
    expect(plan.seed).not.toBe(before.plan.seed);
  });

  test('a remix puts options over it', async () => {
    const { plan } = await world.make(derive('remix', { options: { prompt: 'a blue fox', steps: 20 } }), later);
    expect(plan).toMatchObject({
      prompt: 'a blue fox',
      negative: 'text',
      steps: 20,
      sampler: 'euler_ancestral',
      count: 4,
    });
  });

  test('another model brings its own tuning, in the same shape', async () => {
    const { plan } = await world.make(derive('remix', { options: { model: 'sd_xl_turbo_1.0_fp16' } }), later);
    expect(plan).toMatchObject({ prompt: 'a red fox', steps: 6, cfg: 1.5, width: 1024, height: 1024 });
  });

  test('another shape keeps the seed', async () => {
    const { plan } = await world.make(derive('aspect', { options: { aspect: '16:9' } }), later);
    expect(plan).toMatchObject({ seed: '18446744073709551615', width: 1344, height: 768, steps: 12 });
  });

  test('another shape of a picture made of a picture is drawn from its words', async () => {
    const varied = testId(12);
    await world.make(derive('vary_subtle'), { id: varied });
    const { plan } = await world.make(
      derive('aspect', { source: { requestId: varied, picture: 0 }, options: { aspect: '3:4' } }),
      later,
    );
    expect(plan.operation).toBeUndefined();
    expect(plan).toMatchObject({ prompt: 'a red fox' });
    expect((plan.width ?? 1) / (plan.height ?? 1)).toBeLessThan(1);
  });

  test('a reroll of what was derived takes the same picture again', async () => {
    const varied = testId(12);
    const first = await world.make(derive('vary_strong'), { id: varied });
    const { plan, jobs } = await world.make({ kind: 'rerun', requestId: varied }, later);
    expect(plan).toMatchObject({ recipe: first.plan.recipe, strength: 0.75 });
    expect(jobs[0]?.inputs).toEqual(first.jobs[0]?.inputs);
  });

  test('LoRAs come along, also with a variation', async () => {
    const body: RequestBody = {
      kind: 'imagine',
      options: { prompt: 'a hare', model: 'sd_xl_base_1.0', loras: [{ name: 'charcoal', strength: 0.8 }] },
    };
    const { plan, jobs } = await world.make(body, { id: original });
    expect(plan.loras).toEqual([{ name: 'sdxl/charcoal_v2.safetensors', strength: 0.8 }]);
    expect(plan.notes[0]?.en).toContain('taken to mean');
    expect(jobs[0]).toMatchObject({ loras: 1 });
    for (const action of ['reroll', 'vary_subtle'] as const) {
      const again = await world.make(derive(action, { source: { requestId: original, picture: 0 } }), later);
      expect(again.plan.loras).toEqual(plan.loras);
    }
  });
});

describe('what cannot be made', () => {
  test('of what is gone, private to another, or not there, is said in one sentence', async () => {
    const gone = await world.refusal(derive('reroll', { source: { requestId: testId(99) } }), later);
    expect(gone).toMatchObject({ code: 'not_found' });
    await world.make(fox, { id: original, personId: bob, isPrivate: true });
    const secret = await world.refusal(derive('upscale_subtle'), { ...later, personId: ada });
    expect(secret.message.en).toContain('not there any more');
    expect(await world.plan(derive('upscale_subtle'), { ...later, personId: bob })).toMatchObject({ kind: 'planned' });
    const none = await world.refusal(derive('upscale_subtle', { source: { requestId: original, picture: 40 } }), {
      ...later,
      personId: bob,
    });
    expect(none.message.en).toContain('no such picture');
  });

  test('of a file that was removed says how to get it again', async () => {
    world = createPlanningWorld(stocked, {
      files: { has: () => Promise.resolve(false), read: () => Promise.reject(new Error('no file')) },
    });
    await world.make(fox, { id: original });
    expect((await world.refusal(derive('vary_subtle'), later)).message.en).toContain('removed to save space');
    expect((await world.make(derive('reroll'), later)).plan.count).toBe(4);
  });

  test.each([
    ['edit', {}, 'what to change'],
    ['vary_region', { text: 'snow' }, 'which part'],
    ['aspect', {}, 'which shape'],
  ] as const)('%s without what it needs says so', async (action, more, part) => {
    expect((await world.refusal(derive(action, more), later)).message.en).toContain(part);
  });
});
