import { describe, expect, it } from 'vitest';
import { forecastSnapshot, type QueueFacts, type SnapshotInstance, type SnapshotJob } from './forecast-snapshot.ts';
import { defaultPickRules } from './pick-job.ts';
import { createRunLessons, type FinishedRun } from './run-lessons.ts';

const features = { model: 'sdxl', steps: 20, pixels: 1_048_576, images: 1, loras: 0, estimatedGpuSeconds: 10 };

function jobOf(id: string, personId: string, changes: Partial<SnapshotJob> = {}): SnapshotJob {
  return {
    ...features,
    id,
    personId,
    seq: Number(id.replaceAll(/\D/g, '')),
    class: 'interactive',
    residencyKey: 'sdxl',
    estimateKey: 'sdxl',
    waitedSeconds: 0,
    priority: 0,
    classes: ['KSampler'],
    models: [],
    vramGb: 0,
    ...changes,
  };
}

function gpuOf(id: string, changes: Partial<SnapshotInstance> = {}): SnapshotInstance {
  return {
    id,
    alive: true,
    paused: false,
    answers: true,
    residentKey: 'sdxl',
    residentSeconds: 0,
    registryHash: null,
    vramGb: 24,
    reservedFor: null,
    foreignPrompts: 0,
    ...changes,
  };
}

function queueOf(changes: Partial<QueueFacts> = {}): QueueFacts {
  const empty = { queued: [], active: [], shares: [], measured: [] };
  return { at: 10_000, floorGpuSeconds: 0, ...empty, instances: [gpuOf('gpu0')], ...changes };
}

function runOf(id: string, changes: Partial<FinishedRun> = {}): FinishedRun {
  const when = { promise: null, waitedSeconds: null, queuedAt: 9_900, finishedAt: 9_950 };
  return { id, ...features, gpuSeconds: 20, ...when, ...changes };
}

const starts = (facts: QueueFacts, id: string, knowledge = {}): number | undefined =>
  forecastSnapshot(facts, knowledge).get(id)?.starts?.middle;

describe('forecastSnapshot', () => {
  it('counts prompts of others in a ComfyUI, which run before what waits', () => {
    const queued = [jobOf('j1', 'mei')];
    expect(starts(queueOf({ queued }), 'j1')).toBe(0);
    expect(starts(queueOf({ queued, instances: [gpuOf('gpu0', { foreignPrompts: 2 })] }), 'j1')).toBe(60);
    const spared = [gpuOf('gpu0', { foreignPrompts: 2 }), gpuOf('gpu1')];
    expect(starts(queueOf({ queued, instances: spared }), 'j1')).toBe(0);
  });

  it('leaves out GPUs that take no work, and what is off the GPU already', () => {
    const queued = [jobOf('j1', 'mei')];
    for (const away of [{ alive: false }, { paused: true }, { answers: false }]) {
      const forecast = forecastSnapshot(queueOf({ queued, instances: [gpuOf('gpu0', away)] })).get('j1');
      expect(forecast).toEqual({ position: 1, reason: 'least_served' });
    }
    const held = { ...jobOf('a1', 'mei'), state: 'storing', instanceId: 'gpu0', ranSeconds: 2 };
    const capped = { rules: { ...defaultPickRules, maxRunningPerPerson: 1 } };
    expect(starts(queueOf({ queued, active: [held] }), 'j1', capped)).toBe(0);
    const running = [{ ...held, state: 'running' }];
    expect(starts(queueOf({ queued, active: running }), 'j1', capped)).toBe(8);
  });

  it('expects of a job what runs of its kind took, else measured medians, else the guess', () => {
    const queued = [jobOf('j1', 'mei'), jobOf('j2', 'mei')];
    expect(starts(queueOf({ queued }), 'j2')).toBe(10);
    const measured = [{ estimateKey: 'sdxl', gpuSeconds: 15 }];
    expect(starts(queueOf({ queued, measured }), 'j2')).toBe(15);
    const lessons = createRunLessons();
    lessons.learn(['r1', 'r2', 'r3'].map((id) => runOf(id, { queuedAt: -90_000 })));
    expect(starts(queueOf({ queued, measured }), 'j2', { lessons })).toBe(20);
  });

  it('says under which conditions a forecast is made: who waits, and how much was asked for of late', () => {
    const lessons = createRunLessons();
    lessons.learn([runOf('r1', { queuedAt: 10_000 - 3_000 }), runOf('a1'), runOf('r2', { queuedAt: -90_000 })]);
    const queued = [jobOf('j1', 'mei', { waitedSeconds: 100 }), jobOf('j2', 'mei'), jobOf('j3', 'ana')];
    const active = [
      { ...jobOf('a1', 'bo'), waitedSeconds: 100, state: 'running', instanceId: 'gpu0', ranSeconds: 1_150 },
    ];
    const instances = [gpuOf('gpu0'), gpuOf('gpu1')];
    const { people, loads } = forecastSnapshot(queueOf({ queued, active, instances }), { lessons }).get('j3')!.replayed!
      .conditions;
    expect(people).toBe(2);
    // Runs of the kind took 20 s each: three that wait, one on a GPU, one that has ended.
    expect(loads).toEqual([60 / 1_200 / 2, 100 / 4_800 / 2, 100 / 19_200 / 2]);
  });

  it('looks no further than it is asked to', () => {
    const queued = [jobOf('j1', 'mei'), jobOf('j2', 'ana'), jobOf('j3', 'bo')];
    expect([...forecastSnapshot(queueOf({ queued }), { untilJobId: 'j2' }).keys()]).toEqual(['j1', 'j2']);
  });
});
