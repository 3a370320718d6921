import { describe, expect, it } from 'vitest';
import { createRestartPolicy, defaultRestartRules } from './restart-policy.ts';

const rules = { firstWaitMs: 1_000, longestWaitMs: 4_000, healthyMs: 10_000, answerMs: 30_000 };

describe('createRestartPolicy', () => {
  it('starts what does not answer, and leaves alone what answers', () => {
    const policy = createRestartPolicy(rules);
    expect(policy.decide({ running: false, answers: true, now: 0 })).toBe('nothing');
    expect(policy.decide({ running: false, answers: false, now: 1 })).toBe('start');
  });

  it('waits longer before each further start', () => {
    const policy = createRestartPolicy(rules);
    const startedAt: number[] = [];
    for (let now = 0; now <= 16_000; now += 500) {
      if (policy.decide({ running: false, answers: false, now }) === 'start') startedAt.push(now);
    }
    expect(startedAt).toEqual([0, 1_000, 3_000, 7_000, 11_000, 15_000]);
  });

  it('forgets its back-off once it was healthy for a while', () => {
    const policy = createRestartPolicy(rules);
    for (const now of [0, 1_000, 3_000]) policy.decide({ running: false, answers: false, now });
    policy.decide({ running: true, answers: true, now: 5_000 });
    policy.decide({ running: true, answers: true, now: 15_000 });
    expect(policy.decide({ running: false, answers: false, now: 20_000 })).toBe('start');
    expect(policy.decide({ running: false, answers: false, now: 21_000 })).toBe('start');
  });

  it('is patient while it comes up, and ends what never answers', () => {
    const policy = createRestartPolicy(rules);
    expect(policy.decide({ running: false, answers: false, now: 0 })).toBe('start');
    expect(policy.decide({ running: true, answers: false, now: 29_999 })).toBe('nothing');
    expect(policy.decide({ running: true, answers: false, now: 30_000 })).toBe('end');
  });

  it('has rules under which a slow start is not taken for a hang', () => {
    expect(defaultRestartRules.answerMs).toBeGreaterThanOrEqual(120_000);
  });
});
