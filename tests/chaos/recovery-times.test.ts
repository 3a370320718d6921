import { describe, expect, it } from 'vitest';
import type { Execution } from './reconcile.ts';
import { isAlone, repostTimes } from './recovery-times.ts';

const crash = { gpu: 0, from: 100, to: 400 };
const run = (jobId: string, startedAt: number, outcome: Execution['outcome'], gpu = 0): Execution => ({
  gpu,
  jobId,
  startedAt,
  endedAt: startedAt + 60,
  outcome,
});

describe('repostTimes', () => {
  it('counts from the first answer to the first prompt that runs there', () => {
    const executions = [run('j', 50, 'crashed'), run('k', 700, 'success'), run('j', 800, 'success')];
    expect(repostTimes([crash], executions, [crash])).toEqual([{ ms: 300, alone: true }]);
  });

  it('counts to the lost job where another GPU takes it', () => {
    const executions = [run('j', 50, 'crashed'), run('j', 600, 'success', 1), run('k', 900, 'success')];
    expect(repostTimes([crash], executions, [crash])).toEqual([{ ms: 200, alone: true }]);
  });

  it('leaves out a ComfyUI that died idle and a job that was given up', () => {
    expect(repostTimes([crash], [run('k', 700, 'success')], [crash])).toEqual([]);
    expect(repostTimes([crash], [run('j', 50, 'crashed'), run('k', 700, 'success')], [crash])).toEqual([]);
  });

  it('says when something else was broken meanwhile', () => {
    const executions = [run('j', 50, 'crashed'), run('j', 800, 'success')];
    const other = { from: 500, to: 600 };
    expect(repostTimes([crash], executions, [crash, other])).toEqual([{ ms: 400, alone: false }]);
  });
});

describe('isAlone', () => {
  it('sees faults that touch the time, and not its own', () => {
    const own = { from: 10, to: 20 };
    expect(isAlone(10, 30, own, [own, { from: 31, to: 40 }, { from: 1, to: 9 }])).toBe(true);
    expect(isAlone(10, 30, own, [own, { from: 1, to: 10 }])).toBe(false);
    expect(isAlone(10, 30, own, [own, { from: 30, to: 90 }])).toBe(false);
  });
});
