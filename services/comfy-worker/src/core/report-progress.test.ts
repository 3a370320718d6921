import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { LiveProgress } from '@atelier/shared/contracts/live';
import { createJobReporter } from './report-progress.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function reporterOf() {
  const sent: LiveProgress[] = [];
  const reporter = createJobReporter({
    jobId: 'j1',
    requestId: 'r1',
    publishProgress: (progress) => sent.push(progress),
    publishPreview: () => {},
    scalePreview: () => Promise.resolve(undefined),
    now: () => Date.now(),
  });
  const step = (value: number): void =>
    reporter.progress({
      promptId: 'p1',
      nodeId: '3',
      classType: 'KSampler',
      value,
      max: 20,
      nodesDone: 0,
      nodesTotal: 1,
      fraction: value / 20,
    });
  return { reporter, step, steps: () => sent.map((progress) => progress.step) };
}

describe('createJobReporter', () => {
  it('sends at most ten a second, and the last in any case', () => {
    const { reporter, step, steps } = reporterOf();
    for (let value = 1; value <= 20; value += 1) {
      step(value);
      vi.advanceTimersByTime(20);
    }
    step(20);
    reporter.end();
    expect(steps().length).toBeLessThanOrEqual(6);
    expect(steps().at(-1)).toBe(20);
  });

  it('shows the first after a moment, also where none follows', () => {
    const { step, steps } = reporterOf();
    step(1);
    expect(steps()).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(steps()).toEqual([1]);
  });

  it('says nothing of a job that is over before anybody could see it', () => {
    const { reporter, step, steps } = reporterOf();
    step(20);
    vi.advanceTimersByTime(49);
    reporter.end();
    vi.advanceTimersByTime(1_000);
    expect(steps()).toEqual([]);
  });
});
