import { describe, expect, it } from 'vitest';
import { silenceMsOf } from './run-silence.ts';

const sampler = (steps: number) => ({ '3': { class_type: 'KSampler', inputs: { steps } } });

describe('silenceMsOf', () => {
  it('is the floor where nothing was measured, and where steps are quick', () => {
    expect(silenceMsOf(sampler(20), undefined, 120_000)).toBe(120_000);
    expect(silenceMsOf(sampler(20), 20_000, 120_000)).toBe(120_000);
  });

  it('is longer where one step of such a job takes longer than that', () => {
    expect(silenceMsOf(sampler(8), 600_000, 120_000)).toBe(300_000);
    expect(silenceMsOf({}, 600_000, 120_000)).toBe(600_000);
  });
});
