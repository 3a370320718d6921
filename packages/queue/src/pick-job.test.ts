import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPickRules, pickJob, type PickInput, type Share, type TimedJob } from './pick-job.ts';

function waitingJob(id: string, personId: string, overrides: Partial<TimedJob> = {}): TimedJob {
  return {
    id,
    personId,
    seq: Number(id.replace(/\D/g, '')),
    class: 'interactive',
    residencyKey: 'sdxl',
    gpuSeconds: 10,
    waitedSeconds: 0,
    ...overrides,
  };
}

function input(waiting: TimedJob[], overrides: Partial<PickInput> = {}): PickInput {
  return { waiting, shares: new Map(), floorGpuSeconds: 0, running: new Map(), ...overrides };
}

const share = (chargedGpuSeconds: number, weight = 1): Share => ({ chargedGpuSeconds, weight });

describe('pickJob', () => {
  it('has nothing to pick from an empty queue', () => {
    expect(pickJob(input([]))).toBeUndefined();
  });

  it('prefers the least served person over the earlier arrival', () => {
    const pick = pickJob(
      input([waitingJob('j1', 'mei'), waitingJob('j2', 'ana')], { shares: new Map([['mei', share(500)]]) }),
    );
    expect(pick?.job.id).toBe('j2');
    expect(pick?.reason).toBe('least_served');
  });

  it('counts a charge by the weight of its person', () => {
    const shares = new Map([
      ['mei', share(300, 3)],
      ['ana', share(200)],
    ]);
    expect(pickJob(input([waitingJob('j1', 'ana'), waitingJob('j2', 'mei')], { shares }))?.job.id).toBe('j2');
  });

  it('stays with the loaded model within the sticky window, and not beyond it', () => {
    const waiting = [waitingJob('j1', 'mei', { residencyKey: 'flux' }), waitingJob('j2', 'ana')];
    const near = { shares: new Map([['ana', share(60)]]), residentKey: 'sdxl' };
    expect(pickJob(input(waiting, near))).toMatchObject({ job: { id: 'j2' }, reason: 'resident' });
    const far = { shares: new Map([['ana', share(61)]]), residentKey: 'sdxl' };
    expect(pickJob(input(waiting, far))).toMatchObject({ job: { id: 'j1' }, reason: 'least_served' });
  });

  it('loads another model after a long streak of one, and narrows the window for who has waited long', () => {
    const waiting = [waitingJob('j1', 'mei', { residencyKey: 'flux' }), waitingJob('j2', 'ana')];
    const near = { shares: new Map([['ana', share(50)]]), residentKey: 'sdxl' };
    const streak = (residentSeconds: number) => pickJob(input(waiting, { ...near, residentSeconds }))?.job.id;
    expect([streak(1_199), streak(1_200)]).toEqual(['j2', 'j1']);
    const waited = (waitedSeconds: number) =>
      pickJob(input([{ ...waiting[0]!, waitedSeconds }, waiting[1]!], near))?.job.id;
    expect([waited(1_200), waited(1_201)]).toEqual(['j2', 'j1']);
  });

  it('heeds an operator before shares and classes, and the rules among equals', () => {
    const shares = new Map([['mei', share(500)]]);
    const batch = waitingJob('j3', 'mei', { class: 'batch', priority: 1 });
    const waiting = [waitingJob('j1', 'ana'), batch, waitingJob('j4', 'mei', { priority: 1 })];
    expect(pickJob(input(waiting, { shares }))).toMatchObject({ job: { id: 'j4' }, reason: 'priority' });
    expect(pickJob(input([waitingJob('j1', 'ana'), batch], { shares }))).toMatchObject({ job: { id: 'j3' } });
    const lowered = [waitingJob('j1', 'ana', { priority: -1 }), waitingJob('j2', 'mei')];
    expect(pickJob(input(lowered, { shares }))).toMatchObject({
      job: { id: 'j2' },
      reason: 'least_served',
      floorGpuSeconds: 0,
    });
    expect(pickJob(input(waiting, { shares, canRun: (job) => job.priority === undefined }))?.job.id).toBe('j1');
  });

  it('serves interactive work before batch, until the batch has waited long enough', () => {
    const batch = waitingJob('j1', 'mei', { class: 'batch', waitedSeconds: 899 });
    const interactive = waitingJob('j2', 'ana');
    expect(pickJob(input([batch, interactive]))?.job.id).toBe('j2');
    expect(pickJob(input([{ ...batch, waitedSeconds: 900 }, interactive]))).toMatchObject({
      job: { id: 'j1' },
      reason: 'batch_waited',
    });
  });

  it('leaves out whoever has as much running as one person may, and stops when all GPUs may do no more', () => {
    const waiting = [waitingJob('j1', 'mei'), waitingJob('j2', 'ana')];
    expect(pickJob(input(waiting, { running: new Map([['mei', 2]]) }))?.job.id).toBe('j2');
    const full = new Map([
      ['a', 5],
      ['b', 5],
    ]);
    expect(pickJob(input(waiting, { running: full }))).toBeUndefined();
  });

  it('lifts who returns to the floor', () => {
    const pick = pickJob(
      input([waitingJob('j1', 'mei')], { floorGpuSeconds: 400, shares: new Map([['mei', share(10)]]) }),
    );
    expect(pick?.liftedGpuSeconds).toBe(400);
    expect(pick?.floorGpuSeconds).toBe(400);
  });

  it('lets no pile of old batch jobs lock interactive people out', () => {
    const batch = waitingJob('j1', 'mei', { class: 'batch', waitedSeconds: 5_000 });
    const shares = new Map([['mei', share(61)]]);
    expect(pickJob(input([batch, waitingJob('j2', 'ana')], { shares }))?.job.id).toBe('j2');
  });

  it('shares among batch people by service, not by the age of their piles', () => {
    const waiting = [
      waitingJob('j1', 'mei', { class: 'batch', waitedSeconds: 5_000 }),
      waitingJob('j2', 'ana', { class: 'batch', waitedSeconds: 10 }),
    ];
    expect(pickJob(input(waiting, { shares: new Map([['mei', share(61)]]) }))?.job.id).toBe('j2');
  });

  it('prefers all loaded and the same recipe, then all loaded, then the same checkpoint', () => {
    const loaded = { residentKey: 'sdxl + ink', residentRecipe: 'portrait' };
    const other = waitingJob('j1', 'mei', { residencyKey: 'flux' });
    const base = waitingJob('j2', 'mei', { residencyKey: 'sdxl' });
    const all = waitingJob('j3', 'mei', { residencyKey: 'sdxl + ink', recipe: 'upscale' });
    const same = waitingJob('j4', 'mei', { residencyKey: 'sdxl + ink', recipe: 'portrait' });
    expect(pickJob(input([other, base, all, same], loaded))?.job.id).toBe('j4');
    expect(pickJob(input([other, base, all], loaded))?.job.id).toBe('j3');
    expect(pickJob(input([other, base], loaded))).toMatchObject({ job: { id: 'j2' }, reason: 'resident' });
  });

  it('picks only what the worker can run, and keeps the shares of those who wait for another one', () => {
    const waiting = [waitingJob('j1', 'mei', { residencyKey: 'flux' }), waitingJob('j2', 'ana')];
    const pick = pickJob(
      input(waiting, { canRun: (job) => job.residencyKey === 'sdxl', shares: new Map([['ana', share(500)]]) }),
    );
    expect(pick).toMatchObject({ job: { id: 'j2' }, floorGpuSeconds: 0 });
  });

  it('keeps the share of who waits and is at the cap', () => {
    const shares = new Map([['ana', share(500)]]);
    const waiting = [waitingJob('j1', 'mei'), waitingJob('j2', 'ana')];
    const pick = pickJob(input(waiting, { shares, running: new Map([['mei', 2]]) }));
    expect(pick).toMatchObject({ job: { id: 'j2' }, floorGpuSeconds: 0 });
  });

  it('lets what cannot be picked hold the floor down for a while, not for good', () => {
    const shares = new Map([['ana', share(50_000)]]);
    const stuck = (waitedSeconds: number) =>
      pickJob(
        input([waitingJob('j1', 'mei', { residencyKey: 'gone', waitedSeconds }), waitingJob('j2', 'ana')], {
          canRun: (job) => job.residencyKey !== 'gone',
          shares,
        }),
      )?.floorGpuSeconds;
    expect([stuck(7_199), stuck(7_200)]).toEqual([0, 50_000]);
    const last = (waitedSeconds: number) =>
      pickJob(input([waitingJob('j1', 'mei', { priority: -1, waitedSeconds }), waitingJob('j2', 'ana')], { shares }))
        ?.floorGpuSeconds;
    expect([last(7_199), last(7_200)]).toEqual([0, 50_000]);
    const old = waitingJob('j1', 'mei', { waitedSeconds: 90_000 });
    expect(pickJob(input([old, waitingJob('j2', 'ana')], { shares }))).toMatchObject({
      job: { id: 'j1' },
      floorGpuSeconds: 0,
    });
  });

  it('counts GPUs at work where it is told of them', () => {
    const running = new Map([
      ['ana', 5],
      ['bo', 5],
    ]);
    expect(pickJob(input([waitingJob('j1', 'mei')], { running, busyGpus: 9 }))?.job.id).toBe('j1');
    expect(pickJob(input([waitingJob('j1', 'mei')], { running, busyGpus: 10 }))).toBeUndefined();
  });

  it('picks nothing while paused', () => {
    expect(pickJob(input([waitingJob('j1', 'mei')], { paused: true }))).toBeUndefined();
  });

  it('keeps two people who always wait within the sticky window and one job of each other', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 40 })), {
          minLength: 20,
          maxLength: 60,
        }),
        fc.boolean(),
        (durations, sameModel) => {
          const shares = new Map<string, Share>();
          const served = { mei: 0, ana: 0 };
          let floorGpuSeconds = 0;
          let residentKey: string | undefined;
          for (const [index, [meiSeconds, anaSeconds]] of durations.entries()) {
            const waiting = [
              waitingJob(`j${2 * index}`, 'mei', { gpuSeconds: meiSeconds }),
              waitingJob(`j${2 * index + 1}`, 'ana', {
                gpuSeconds: anaSeconds,
                residencyKey: sameModel ? 'sdxl' : 'flux',
              }),
            ];
            const pick = pickJob({ waiting, shares, floorGpuSeconds, running: new Map(), residentKey });
            if (pick === undefined) throw new Error('nothing was picked');
            const person = pick.job.personId as 'mei' | 'ana';
            shares.set(person, share(pick.liftedGpuSeconds + pick.job.gpuSeconds));
            floorGpuSeconds = pick.floorGpuSeconds;
            residentKey = pick.job.residencyKey;
            served[person] += pick.job.gpuSeconds;
            expect(Math.abs(served.mei - served.ana)).toBeLessThanOrEqual(defaultPickRules.stickySeconds + 40);
          }
        },
      ),
      { seed: 7, numRuns: 200 },
    );
  });
});
