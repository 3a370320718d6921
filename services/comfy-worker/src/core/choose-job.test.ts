import { describe, expect, it } from 'vitest';
import { defaultPickRules } from '@atelier/queue/pick-job';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { chooseJob } from './choose-job.ts';

type QueuedJob = QueueSnapshot['queued'][number];

function queued(id: string, personId: string, overrides: Partial<QueuedJob> = {}): QueuedJob {
  return {
    id,
    requestId: id,
    personId,
    seq: Number(id.replace(/\D/g, '')),
    class: 'interactive',
    recipe: 'sdxl',
    residencyKey: 'sdxl',
    estimateKey: 'sdxl',
    estimatedGpuSeconds: 10,
    classes: ['KSampler'],
    hasInputs: false,
    waitedSeconds: 0,
    ...overrides,
  };
}

function snapshot(overrides: Partial<QueueSnapshot>): QueueSnapshot {
  return {
    version: 1,
    floorGpuSeconds: 0,
    queued: [],
    active: [],
    shares: [],
    instances: [{ id: 'gpu0', alive: true, paused: false, residentKey: 'sdxl' }],
    measured: [],
    ...overrides,
  };
}

const chooser = { instanceId: 'gpu0', classes: new Set(['KSampler']) };

describe('chooseJob', () => {
  it('takes only what this ComfyUI has the nodes for, and keeps the floor of those it cannot serve', () => {
    const queue = [queued('j1', 'mei', { classes: ['KSampler', 'WanVideo'] }), queued('j2', 'ana')];
    const shares = [{ personId: 'ana', chargedGpuSeconds: 500, weight: 1 }];
    const choice = chooseJob(snapshot({ queued: queue, shares }), chooser, defaultPickRules);
    expect(choice?.pick.job.id).toBe('j2');
    expect(choice?.pick.floorGpuSeconds).toBe(0);
    expect(chooseJob(snapshot({ queued: queue.slice(0, 1) }), chooser, defaultPickRules)).toBeUndefined();
  });

  it('charges what this kind of job took so far rather than what was guessed', () => {
    const measured = [{ estimateKey: 'sdxl', gpuSeconds: 3.5, runs: 12 }];
    const choice = chooseJob(snapshot({ queued: [queued('j1', 'mei')], measured }), chooser, defaultPickRules);
    expect(choice?.expectedGpuSeconds).toBe(3.5);
  });
});
