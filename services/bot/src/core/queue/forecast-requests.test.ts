import { describe, expect, it } from 'vitest';
import { activeJobOf, instanceOf, queuedJobOf, snapshotOf } from '@atelier/shared/db/testing/snapshot-fixtures';
import type { FinishedRun } from '@atelier/shared/db/jobs/read-runs';
import { explainWaiting } from './explain-waiting.ts';
import { forecastRequests } from './forecast-requests.ts';
import { createRunLessons } from '@atelier/queue/run-lessons';

const snapshot = snapshotOf({
  queued: [
    queuedJobOf('b1', 'mei', { requestId: 'b', seq: 2 }),
    queuedJobOf('b2', 'mei', { requestId: 'b', seq: 3 }),
    queuedJobOf('c1', 'ana', { requestId: 'c', seq: 4 }),
  ],
  active: [activeJobOf('a1', 'ana', { requestId: 'a' })],
});
const names = new Map([
  ['mei', 'Mei'],
  ['ana', 'Ana'],
]);
const nameOf = (personId: string): string => names.get(personId) ?? 'somebody';

function run(id: string, changes: Partial<FinishedRun> = {}): FinishedRun {
  const features = { model: 'sdxl', steps: 20, pixels: 1_048_576, images: 1, loras: 0 };
  const rest = { estimatedGpuSeconds: 10, gpuSeconds: 100, promise: null, waitedSeconds: null };
  return { id, ...features, ...rest, queuedAt: -100_000, finishedAt: 1, ...changes };
}

describe('forecastRequests', () => {
  it('counts requests, not jobs', () => {
    const { requests } = forecastRequests(snapshot);
    expect([...requests].map(([id, forecast]) => [id, forecast.place])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
  });

  it('starts with the first job of a request and ends with its last', () => {
    const b = forecastRequests(snapshot).requests.get('b');
    expect(b?.starts?.low).toBeCloseTo(5 * 0.7);
    // After the running one, its own first and the other person's.
    expect(b?.ends?.high).toBeCloseTo(25 * 1.4 + 14);
  });

  it('believes measurements more than guesses, and runs of the same kind most', () => {
    const measured = [{ estimateKey: 'sdxl', gpuSeconds: 100, runs: 5 }];
    expect(forecastRequests({ ...snapshot, measured }).requests.get('a')?.ends?.high).toBeCloseTo(140 - 5);
    const lessons = createRunLessons();
    lessons.learn(['r1', 'r2', 'r3'].map((id) => run(id, { gpuSeconds: 1_000 })));
    expect(forecastRequests({ ...snapshot, measured }, { lessons }).requests.get('a')?.ends?.low).toBeCloseTo(995);
  });

  it('corrects and widens by what became of earlier words, each counted once', () => {
    const promise = { at: 1, seconds: 5, conditions: { people: 2, loads: [0, 0, 0] }, low: 4, high: 6 };
    const runs = Array.from({ length: 40 }, (_, index) =>
      run(`r${index}`, { gpuSeconds: 10, promise, waitedSeconds: index < 20 ? 15 : 25, finishedAt: index }),
    );
    const lessons = createRunLessons();
    lessons.learn(runs);
    lessons.learn(runs);
    const starts = forecastRequests(snapshot, { lessons }).requests.get('b')?.starts;
    expect(starts?.low).toBeCloseTo(15);
    expect(starts?.high).toBeCloseTo(25);
    expect(lessons.learnedUntil).toBe(39);
    expect(lessons.calibration.cases).toHaveLength(40);
  });

  it('counts a posted job as next, and says why the others wait', () => {
    const posted = activeJobOf('p1', 'mei', { requestId: 'p', state: 'posted', ranSeconds: null, seq: 2 });
    const forecast = forecastRequests({ ...snapshot, active: [...snapshot.active, posted] });
    expect(forecast.requests.get('p')?.place).toBe(1);
    expect(explainWaiting(forecast, 'p', nameOf, 'en')).toBe('Next: yours, which is on its way to the GPU.');
    expect(explainWaiting(forecast, 'c', nameOf, 'en')).toBe(
      "2 of Mei's jobs run first because they are on their way to the GPU; then yours keeps the model loaded.",
    );
    expect(explainWaiting(forecast, 'a', nameOf, 'en')).toBeUndefined();
  });

  it('starts where a job can run, over several GPUs', () => {
    const needs = { models: ['checkpoints/flux.safetensors'] };
    const offers = new Map([
      ['r1', { models: new Set<string>() }],
      ['r2', { models: new Set(needs.models) }],
    ]);
    const instances = [instanceOf('gpu0'), instanceOf('gpu1', { registryHash: 'r2' })];
    const queued = [
      queuedJobOf('x1', 'mei', { requestId: 'x', ...needs }),
      queuedJobOf('y2', 'bo', { requestId: 'y' }),
    ];
    const active = [activeJobOf('a1', 'ana', { instanceId: 'gpu1', ranSeconds: 0, estimatedGpuSeconds: 60 })];
    const { requests } = forecastRequests(snapshotOf({ instances, queued, active }), { offers });
    expect(requests.get('x')?.starts?.low).toBeCloseTo(60 * 0.7);
    expect(requests.get('y')?.starts).toMatchObject({ low: 0, high: 0 });
  });

  it('promises nothing while no GPU can take it, and says what would help', () => {
    const why = (overrides: Parameters<typeof snapshotOf>[0], language: 'en' | 'zh' = 'en'): string | undefined => {
      const offers = new Map([['r1', { classes: new Set(['KSampler']), models: new Set(['vae/a.safetensors']) }]]);
      const needs = { models: ['checkpoints/flux.safetensors', 'vae/a.safetensors'] };
      const queued = [queuedJobOf('x1', 'mei', { requestId: 'x', ...needs })];
      const forecast = forecastRequests(snapshotOf({ queued, ...overrides }), { offers });
      expect(forecast.requests.get('x')?.starts).toBeUndefined();
      return explainWaiting(forecast, 'x', nameOf, language);
    };
    expect(why({ instances: [] })).toBe('It starts when a GPU is back.');
    expect(why({ instances: [instanceOf('gpu0', { answers: false })] }, 'zh')).toBe('显卡恢复后开始。');
    expect(why({})).toContain('No connected ComfyUI has flux.safetensors;');
    const paused = { instances: [instanceOf('gpu0', { paused: true, registryHash: null })] };
    expect(why(paused)).toContain('paused by an operator');
    const small = { queued: [queuedJobOf('x1', 'mei', { requestId: 'x', vramGb: 48 })] };
    expect(why(small)).toContain('48 GB');
    const reserved = { instances: [instanceOf('gpu0', { reservedFor: ['ana'], registryHash: null })] };
    expect(why(reserved)).toContain('reserved');
    expect(why({ queued: [queuedJobOf('x1', 'mei', { requestId: 'x', classes: ['Wan'] })] })).toContain('nodes Wan');
  });
});
