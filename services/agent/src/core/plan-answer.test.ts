import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RequestBody, SourceRef } from '@atelier/shared/contracts/request';
import type { Catalog } from './catalog.ts';
import {
  bob,
  catalogWith,
  createPlanningWorld,
  stockedCatalog,
  testId,
  type PlanningWorld,
} from './testing/planning-world.ts';

const original = testId(10);
const later = { id: testId(11) };
const second = '01'.padStart(64, 'a');

function answer(text: string, about: Partial<SourceRef> = {}): RequestBody {
  return { kind: 'words', text, about: [{ requestId: original, ...about }] };
}

let stocked: Catalog;
beforeAll(() => {
  stocked = stockedCatalog();
});
let world: PlanningWorld;
beforeEach(async () => {
  world = createPlanningWorld(stocked);
  await world.make({ kind: 'imagine', options: { prompt: 'a red fox', recipe: 'sdxl', count: 2 } }, { id: original });
});

describe('words that answer a result', () => {
  test.each([
    ['upscale this', 'upscale', ''],
    ['把背景去掉，去掉背景', 'remove-background', ''],
    ['make it move', 'video-wan22', 'a red fox'],
    ['outpaint to 16:9', 'outpaint', 'a red fox'],
    ['make it night', 'edit-qwen', 'make it night'],
    ['把第二张改成夜晚', 'edit-qwen', '把第二张改成夜晚'],
  ])('%s is done with its picture', async (text, recipe, prompt) => {
    const { plan, jobs } = await world.make(answer(text), later);
    expect(plan).toMatchObject({ recipe, prompt });
    expect(jobs[0]?.inputs).toHaveLength(1);
  });

  test('the second one is the second picture', async () => {
    const { jobs } = await world.make(answer('upscale the second one'), later);
    expect(jobs[0]?.inputs[0]?.hash).toBe(second);
    const named = await world.make(answer('upscale the second one', { picture: 0 }), later);
    expect(named.jobs[0]?.inputs[0]?.hash).not.toBe(second);
  });

  test.each(['again', 'another one', 'once more please', '再来一张', '换一张'])('%s draws it anew', async (text) => {
    const { plan } = await world.make(answer(text), later);
    expect(plan).toMatchObject({ prompt: 'a red fox', count: 2, recipe: 'text-to-image-sdxl' });
  });

  test('a change without a model for edits keeps what the picture shows', async () => {
    world = createPlanningWorld(catalogWith({}));
    await world.make({ kind: 'imagine', options: { prompt: 'a red fox' } }, { id: original });
    const { plan } = await world.make(answer('make it night'), later);
    expect(plan).toMatchObject({ recipe: 'image-to-image', prompt: 'make it night, a red fox' });
  });

  test("another's private result is as if it were not there", async () => {
    await world.make(
      { kind: 'imagine', options: { prompt: 'a secret' } },
      { id: original, personId: bob, isPrivate: true },
    );
    expect(await world.plan(answer('make it night'), later)).toMatchObject({
      kind: 'replied',
      reply: expect.stringContaining('Attach the picture'),
    });
  });
});
