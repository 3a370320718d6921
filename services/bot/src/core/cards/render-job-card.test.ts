import fc from 'fast-check';
import type { PendingQuestion } from '@atelier/shared/contracts/request';
import { describe, expect, it } from 'vitest';
import { jobStateSchema } from '@atelier/shared/contracts/job';
import { requestStateSchema } from '@atelier/shared/contracts/request';
import {
  endedAt,
  finishedJob,
  jobOutput,
  jobRecord,
  plan,
  requestRecord,
} from '@atelier/shared/db/testing/record-fixtures';
import type { CardFacts, LiveFacts } from './card-facts.ts';
import { noLiveFacts } from './card-facts.ts';
import { renderJobCard } from './render-job-card.ts';

const working = requestRecord({ state: 'working', version: 3, plan, jobsTotal: 2, jobsOpen: 2 });
const succeeded = requestRecord({ state: 'succeeded', version: 5, plan, jobsTotal: 2, finishedAt: endedAt });

function facts(overrides: Partial<CardFacts> = {}): CardFacts {
  return { request: working, jobs: [jobRecord(0), jobRecord(1)], delivered: false, ...overrides };
}

describe('renderJobCard', () => {
  it('shows what was accepted, with a button to cancel it', () => {
    const card = renderJobCard(facts({ request: requestRecord(), jobs: [] }), noLiveFacts, 'en');
    expect(card).toMatchObject({
      state: 'accepted',
      final: false,
      headline: 'Accepted',
      title: 'a red fox in snow, portrait, 2 images',
      author: 'Mei',
      tiles: [],
      buttons: [{ action: 'cancel', label: 'Cancel', id: 'c:11111111-1111-4111-8111-111111111111' }],
    });
  });

  it('shows the place in the queue, the estimate, and a frame for each picture', () => {
    const live: LiveFacts = {
      ...noLiveFacts,
      forecasts: new Map([[working.id, { place: 3, starts: { low: 62, high: 118 }, ends: { low: 80, high: 150 } }]]),
    };
    const card = renderJobCard(facts(), live, 'en');
    expect(card.queue).toEqual({
      position: 3,
      text: '3rd in line · starts in about 1–2 min',
      startsInSeconds: { low: 62, high: 118 },
      endsInSeconds: { low: 80, high: 150 },
    });
    expect(card.tiles.map((tile) => tile.state)).toEqual(['waiting', 'waiting']);
    expect(card.size).toEqual({ width: 768, height: 1024 });
    expect(renderJobCard(facts(), live, 'zh').queue?.text).toBe('排在第 3 位 · 约 1–2 分钟后开始');
  });

  it('promises no time while no GPU takes work', () => {
    const live: LiveFacts = { ...noLiveFacts, forecasts: new Map([[working.id, { place: 1 }]]) };
    expect(renderJobCard(facts(), live, 'en').queue?.text).toBe('Next in line · starts when a GPU is back');
  });

  it('says what the GPU does, over all pictures', () => {
    const jobs = [finishedJob(0), jobRecord(1, { state: 'running' })];
    const progress = {
      jobId: jobs[1]?.id ?? '',
      requestId: working.id,
      fraction: 0.5,
      classType: 'VAEDecode',
      elapsedMs: 30_000,
    };
    const live: LiveFacts = {
      progress: new Map([[progress.jobId, progress]]),
      forecasts: new Map([[working.id, { place: 0, ends: { low: 4, high: 6 } }]]),
    };
    const card = renderJobCard(facts({ jobs }), live, 'en');
    expect(card).toMatchObject({
      state: 'running',
      progress: { fraction: 0.75, text: 'Developing the picture · picture 2 of 2 · done in about 4–6 s' },
    });
    expect(card.tiles).toMatchObject([{ state: 'done' }, { state: 'running', fraction: 0.5 }]);
  });

  it('expects the end from the speed of the last run, where that is sooner', () => {
    const jobs = [finishedJob(0), jobRecord(1, { state: 'running' })];
    const requestId = working.id;
    const textAt = (fraction: number, elapsedMs: number) => {
      const jobId = jobs[1]?.id ?? '';
      const live: LiveFacts = {
        progress: new Map([[jobId, { jobId, requestId, fraction, elapsedMs }]]),
        forecasts: new Map([[requestId, { place: 0, ends: { low: 14, high: 28 } }]]),
      };
      return renderJobCard(facts({ jobs }), live, 'en').progress?.text;
    };
    expect(textAt(0.8, 16_000)).toContain('done in about 3–6 s');
    expect(textAt(0.8, 400_000)).toContain('done in about 15–30 s');
    expect(textAt(0.05, 100)).toContain('done in about 15–30 s');
  });

  it('shows a region before it is redrawn, with buttons that carry ids alone', () => {
    const source = { requestId: '22222222-2222-4222-8222-222222222222', picture: 2 };
    const request = requestRecord({
      state: 'succeeded',
      finishedAt: endedAt,
      plan: {
        recipe: 'show-region',
        recipeTitle: { en: 'Show a described region', zh: '显示所描述的区域' },
        prompt: '',
        count: 1,
        seed: '0',
        shownRegion: 'the tail',
        notes: [],
      },
      parentRequestId: source.requestId,
      parentPicture: 2,
      body: { kind: 'derive', action: 'vary_region', source, text: 'striped', region: 'the tail', showRegion: true },
    });
    const card = renderJobCard({ request, jobs: [finishedJob(0)], delivered: true }, noLiveFacts, 'en');
    expect(card).toMatchObject({
      headline: 'Done: the region is shown, nothing is redrawn yet',
      title: 'striped',
      lineage: { text: 'Region to redraw of picture 3' },
      notes: ['Tinted is what was found for “the tail”. Is it the right part?'],
      menus: [],
    });
    expect(card.buttons.map(({ label, id }) => [label, id])).toEqual([
      ['Redraw it', `rd:${request.id}`],
      ['Other words', `vr:${source.requestId}:2`],
      ['Cancel', `dl:${request.id}::yes`],
    ]);
    // Tried again after a failure, it is still that.
    const again = { ...request, body: { kind: 'rerun', requestId: request.id } as const };
    const facts = { request: again, origin: request, jobs: [finishedJob(0)], delivered: true };
    expect(renderJobCard(facts, noLiveFacts, 'zh').buttons.map(({ label }) => label)).toEqual([
      '重绘此处',
      '换个说法',
      '取消',
    ]);
  });

  it('is done only when its result was delivered', () => {
    const jobs = [finishedJob(0), finishedJob(1)];
    const before = renderJobCard({ request: succeeded, jobs, delivered: false }, noLiveFacts, 'en');
    const after = renderJobCard({ request: succeeded, jobs, delivered: true }, noLiveFacts, 'en');
    expect(before).toMatchObject({ state: 'finishing', final: false, buttons: [] });
    expect(after).toMatchObject({ state: 'succeeded', final: true, headline: 'Done, 2 pictures' });
    expect(after.revision).toBeGreaterThan(before.revision);
    expect(after.buttons.map((button) => button.action)).toEqual([
      'upscale_subtle',
      'upscale_subtle',
      'reroll',
      'vary_strong',
      'vary_strong',
      'remix',
      'original',
    ]);
    expect(after.tiles.map((tile) => tile.image?.alt)).toEqual([
      'Picture 1 of 2: a red fox in snow',
      'Picture 2 of 2: a red fox in snow',
    ]);
    expect(after.facts).toEqual(['Text to image', 'sd_xl_base_1.0', '768 × 1024', '2 pictures', 'seed 7', '20 steps']);
    expect(after.notes).toEqual([
      'You wrote: a red fox in snow, portrait, 2 images',
      'Without: text',
      'Not translated.',
    ]);
  });

  it('says so when some pictures are missing', () => {
    const error = { code: 'too_large', message: { en: 'Out of memory.', zh: '显存不足。' } };
    const jobs = [finishedJob(0), jobRecord(1, { state: 'failed', finishedAt: endedAt })];
    const card = renderJobCard({ request: { ...succeeded, error }, jobs, delivered: true }, noLiveFacts, 'zh');
    expect(card).toMatchObject({ state: 'partly', headline: '已完成 1 张（共 2 张）', error: '显存不足。' });
    expect(card.tiles.map((tile) => tile.state)).toEqual(['done', 'failed']);
  });

  it('gives a failure its sentence and a way to try again', () => {
    const request = requestRecord({ state: 'failed', finishedAt: endedAt });
    const card = renderJobCard({ request, jobs: [], delivered: true }, noLiveFacts, 'en');
    expect(card.error).toBe('This did not work. Try again, and tell the operator if it repeats.');
    expect(card.buttons.map((button) => button.action)).toEqual(['retry', 'remix']);
  });

  it('shows a wish to cancel at once, and offers no button twice', () => {
    const card = renderJobCard(facts({ request: { ...working, cancelRequestedAt: endedAt } }), noLiveFacts, 'en');
    expect(card).toMatchObject({ state: 'cancelling', buttons: [] });
  });

  it('names a repeat by what it repeats', () => {
    const origin = requestRecord();
    const request = requestRecord({ body: { kind: 'rerun', requestId: origin.id } });
    expect(renderJobCard({ request, jobs: [], delivered: false, origin }, noLiveFacts, 'en').title).toBe(
      'a red fox in snow, portrait, 2 images',
    );
    expect(renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'zh').title).toBe('再来一次');
  });

  it('draws any state of a request and its jobs, in both languages', () => {
    const job = fc.record({
      state: fc.constantFrom(...jobStateSchema.options),
      images: fc.integer({ min: 0, max: 4 }),
      outputs: fc.array(fc.constant(jobOutput('1')), { maxLength: 4 }),
      ended: fc.boolean(),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...requestStateSchema.options),
        fc.array(job, { maxLength: 4 }),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (state, jobs, planned, delivered, cancelled) => {
          const given: CardFacts = {
            request: requestRecord({
              state,
              plan: planned ? plan : null,
              cancelRequestedAt: cancelled ? endedAt : null,
            }),
            jobs: jobs.map(({ ended, ...rest }, index) =>
              jobRecord(index, { ...rest, finishedAt: ended ? endedAt : null }),
            ),
            delivered,
          };
          const [english, chinese] = [renderJobCard(given, noLiveFacts, 'en'), renderJobCard(given, noLiveFacts, 'zh')];
          expect(english.headline).not.toBe('');
          expect(chinese.headline).toMatch(/\p{Script=Han}/u);
          expect(english.state).toBe(chinese.state);
          expect(english.final && !delivered).toBe(false);
          expect(english.progress?.fraction ?? 0).toBeLessThanOrEqual(1);
          for (const button of english.buttons) expect(Buffer.byteLength(button.id)).toBeLessThanOrEqual(64);
        },
      ),
      { numRuns: 300, seed: 7 },
    );
  });

  it('asks its author with the plan, the time it takes and the choices', () => {
    const question: PendingQuestion = {
      id: '55555555-5555-4555-8555-555555555555',
      kind: 'plan',
      text: { en: 'Shall it run?', zh: '要运行吗？' },
      choices: [
        { id: 'run', label: { en: 'Run', zh: '运行' } },
        { id: 'cancel', label: { en: 'Cancel', zh: '取消' } },
      ],
      allowText: true,
      plan: { ...plan, count: 8 },
      gpuSeconds: { low: 200, high: 320 },
    };
    const request = requestRecord({ state: 'asking', question });
    const card = renderJobCard({ request, jobs: [], delivered: false }, noLiveFacts, 'zh');
    expect(card).toMatchObject({
      state: 'asking',
      question: { text: '要运行吗？', allowsText: true, plan: expect.arrayContaining(['约占用 GPU 3–5 分钟']) },
    });
    expect(card.rows.map((row) => row.map(({ id }) => id))).toEqual([
      [`q:${question.id}::run`, `q:${question.id}::cancel`],
      [`qt:${question.id}`],
    ]);
  });

  it('says what the agent says while it says it, and when nothing can start', () => {
    const planning = requestRecord({ state: 'planning' });
    const reply = { requestId: planning.id, seq: 1, text: 'Let me see', tools: [] };
    const talking = { ...noLiveFacts, replies: new Map([[planning.id, reply]]) };
    expect(renderJobCard({ request: planning, jobs: [], delivered: false }, talking, 'en').reply).toBe('Let me see');

    const waiting = { request: requestRecord({ state: 'working', plan }), jobs: [jobRecord(0)], delivered: false };
    const forecasts = new Map([[planning.id, { place: 1, starts: { low: 5, high: 9 } }]]);
    const away = renderJobCard(waiting, { ...noLiveFacts, forecasts, isGpuAway: true }, 'en');
    expect(away.queue?.text).toBe('Next in line · starts when a GPU is back');
    expect(away.queue).not.toHaveProperty('startsInSeconds');
  });

  it('shows what was deleted as deleted, and nothing to do with it', () => {
    const request = requestRecord({ state: 'succeeded', plan, finishedAt: endedAt });
    const marks = { isDeleted: true, isShared: false, isCovered: false };
    const card = renderJobCard({ request, jobs: [finishedJob(0)], delivered: true, marks }, noLiveFacts, 'en');
    expect(card).toMatchObject({
      isDeleted: true,
      headline: 'Deleted by its author',
      tiles: [],
      buttons: [],
      menus: [],
    });
  });
});
