import { beforeAll, describe, expect, test } from 'vitest';
import type { ImagineOptions, RequestBody } from '@atelier/shared/contracts/request';
import { shotResults } from '@atelier/shared/shots/shot-results';
import type { Catalog } from './catalog.ts';
import { catalogWith, createPlanningWorld, stockedCatalog, testId } from './testing/planning-world.ts';

const original = { id: testId(10) };
const later = { id: testId(11) };
const face = { hash: 'e'.repeat(64), mediaType: 'image/png' };

function storyboard(count: number, more: Partial<Extract<RequestBody, { kind: 'shots' }>> = {}): RequestBody {
  return {
    kind: 'shots',
    shots: Array.from({ length: count }, (_, index) => ({ shotId: `s${index + 1}`, prompt: `scene ${index + 1}` })),
    style: 'ink',
    options: { aspect: '16:9', recipe: 'sdxl' },
    ...more,
  };
}

let stocked: Catalog;
beforeAll(() => {
  stocked = stockedCatalog();
});

describe('a storyboard', () => {
  test('is a job a shot, all in one style, each with its id', async () => {
    const world = createPlanningWorld(stocked);
    const { plan, jobs } = await world.make(storyboard(3), original);
    expect(jobs.map(({ index, params }) => [index, params?.shotId, params?.shotPrompt])).toEqual([
      [0, 's1', 'scene 1'],
      [1, 's2', 'scene 2'],
      [2, 's3', 'scene 3'],
    ]);
    for (const [index, job] of jobs.entries()) {
      expect(job.params?.values).toMatchObject({ width: 1344, height: 768 });
      expect(job.params?.values['prompt']).toMatch(new RegExp(`^scene ${index + 1}, .*ink wash`));
    }
    expect(new Set(jobs.map(({ params }) => params?.values['seed'])).size).toBe(3);
    expect(plan).toMatchObject({ count: 3, prompt: '1. scene 1\n2. scene 2\n3. scene 3' });
    expect(jobs.every((job) => job.class === 'interactive')).toBe(true);
  });

  test('of many shots is a batch, so that people who wait for one picture go before', async () => {
    const { jobs } = await createPlanningWorld(stocked).make(storyboard(24), original);
    expect(new Set(jobs.map((job) => job.class))).toEqual(new Set(['batch']));
    expect(new Set(jobs.map(({ id }) => id)).size).toBe(24);
  });

  test('draws from references as much as they count, and films what has a length', async () => {
    const { jobs } = await createPlanningWorld(stocked).make(
      {
        kind: 'shots',
        shots: [
          { shotId: 'a', prompt: 'she waits', references: [{ image: face, strength: 0.7 }] },
          { shotId: 'b', prompt: 'she walks', references: [{ image: face }], durationSeconds: 2 },
          { shotId: 'c', prompt: 'the sea', durationSeconds: 2 },
        ],
      },
      original,
    );
    expect(jobs.map(({ recipe }) => recipe)).toEqual(['image-to-image', 'video-wan22', 'video-wan22']);
    expect(jobs[0]?.params?.values['denoise']).toBeCloseTo(0.3);
    expect(jobs[1]?.inputs).toHaveLength(1);
    expect(jobs[2]?.inputs).toHaveLength(0);
    expect(jobs[2]?.params?.values['frames']).toBe(49);
  });

  test('tells references apart where the recipe does', async () => {
    const { jobs } = await createPlanningWorld(stocked).make(
      {
        kind: 'shots',
        shots: [
          {
            shotId: 'a',
            prompt: 'she waits',
            references: [{ image: face, strength: 0.9 }, { image: face }, { image: face, strength: 0.2 }],
          },
        ],
        options: { recipe: 'flux-redux' },
      },
      original,
    );
    expect(jobs[0]?.params?.values).toMatchObject({ strength: 0.9, strengths: [0.9, 0.9, 0.2] });
    const workflow = jobs[0]?.workflowText ?? '';
    expect([...workflow.matchAll(/"strength":([\d.]+)/g)].map(([, strength]) => strength)).toEqual([
      '0.9',
      '0.9',
      '0.2',
    ]);
  });

  test('keeps what each reference counts for in a repeat, until a strength for all or other pictures are asked for', async () => {
    const world = createPlanningWorld(stocked);
    const references = [
      { image: face, strength: 0.9 },
      { image: { ...face, hash: 'd'.repeat(64) }, strength: 0.2 },
    ];
    const shots = [{ shotId: 'a', prompt: 'she waits', references }];
    await world.make({ kind: 'shots', shots, options: { recipe: 'flux-redux' } }, original);
    const remix = (options: Partial<ImagineOptions>): RequestBody => ({
      kind: 'derive',
      action: 'remix',
      source: { requestId: original.id, picture: 0 },
      options,
    });
    const values = async (options: Partial<ImagineOptions>) =>
      (await world.make(remix(options), later)).jobs[0]?.params?.values;
    expect(await values({ steps: 12 })).toMatchObject({ strengths: [0.9, 0.2] });
    expect(await values({ strength: 0.6 })).toMatchObject({ strength: 0.4 });
    expect(await values({ strength: 0.6 })).not.toHaveProperty('strengths');
    expect(await values({ images: [face] })).not.toHaveProperty('strengths');
  });

  test('names the shot that cannot be drawn', async () => {
    const world = createPlanningWorld(catalogWith({}));
    const error = await world.refusal({
      kind: 'shots',
      shots: [
        { shotId: 'wide', prompt: 'a street' },
        { shotId: 'close', prompt: 'a face', durationSeconds: 3 },
      ],
    });
    expect(error.message.en).toContain('Shot “close”');
    expect(error.message.zh).toContain('镜头“close”');
  });

  test('is made again as a whole, or one shot by its picture', async () => {
    const world = createPlanningWorld(stocked);
    const first = await world.make(storyboard(3), original);
    const all = await world.make({ kind: 'rerun', requestId: original.id }, later);
    expect(all.jobs.map(({ params }) => params?.shotId)).toEqual(['s1', 's2', 's3']);
    expect(all.jobs[0]?.params?.values['seed']).not.toBe(first.jobs[0]?.params?.values['seed']);
    const one = await world.make(
      { kind: 'derive', action: 'reroll', source: { requestId: original.id, picture: 1 } },
      { id: testId(12) },
    );
    expect(one.jobs.map(({ params }) => [params?.shotId, params?.shotPrompt])).toEqual([['s2', 'scene 2']]);
  });

  test('is made again shot by shot, by their names, also where nothing came of it', async () => {
    const world = createPlanningWorld(stocked);
    await world.make(storyboard(3), original);
    const some = await world.make({ kind: 'rerun', requestId: original.id, shotIds: ['s3', 's1'] }, later);
    expect(some.jobs.map(({ index, params }) => [index, params?.shotId])).toEqual([
      [0, 's1'],
      [1, 's3'],
    ]);
    const none = await world.refusal({ kind: 'rerun', requestId: original.id, shotIds: ['s9'] }, { id: testId(13) });
    expect(none).toMatchObject({ message: { en: expect.stringContaining('no such shot') } });
    await world.make({ kind: 'imagine', options: { prompt: 'a bell' } }, { id: testId(14) });
    const notShots = await world.refusal({ kind: 'rerun', requestId: testId(14), shotIds: ['s1'] }, later);
    expect(notShots.code).toBe('invalid_input');
  });

  test('gives one result a shot', async () => {
    const world = createPlanningWorld(stocked);
    await world.make(storyboard(2), original);
    const [good, bad] = await world.parts.desk.readJobs(original.id);
    if (good === undefined || bad === undefined) throw new Error('two jobs were made');
    const error = { code: 'out_of_memory', message: { en: 'Too large.', zh: '太大。' } };
    const results = shotResults([good, { ...bad, state: 'failed', outputs: [], error }], ({ hash }) => `/a/${hash}`);
    expect(results).toEqual([
      { shot_id: 's1', success: true, image_url: `/a/${'00'.padStart(64, 'a')}`, prompt: 'scene 1' },
      { shot_id: 's2', success: false, prompt: 'scene 2', error: 'Too large.' },
    ]);
  });
});
