import { describe, expect, it } from 'vitest';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { forecastRequests } from './forecast-requests.ts';

const common = { class: 'interactive', recipe: 'r', residencyKey: 'sdxl', estimateKey: 'e', classes: [] } as const;

function job(id: string, requestId: string, personId: string, seq: number): QueueSnapshot['queued'][number] {
  return {
    ...common,
    classes: [],
    hasInputs: false,
    id,
    requestId,
    personId,
    seq,
    estimatedGpuSeconds: 10,
    waitedSeconds: 0,
  };
}

const snapshot: QueueSnapshot = {
  version: 1,
  floorGpuSeconds: 0,
  queued: [job('b1', 'b', 'mei', 2), job('b2', 'b', 'mei', 3), job('c1', 'c', 'ana', 4)],
  active: [{ ...job('a1', 'a', 'ana', 1), state: 'running', instanceId: 'gpu0', ranSeconds: 5 }],
  shares: [],
  instances: [{ id: 'gpu0', alive: true, paused: false, residentKey: 'sdxl' }],
  measured: [],
};

describe('forecastRequests', () => {
  it('counts requests, not jobs', () => {
    const forecasts = forecastRequests(snapshot);
    expect([...forecasts].map(([id, forecast]) => [id, forecast.place])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
  });

  it('starts with the first job of a request and ends with its last', () => {
    const b = forecastRequests(snapshot).get('b');
    expect(b?.starts?.low).toBeCloseTo(5 * 0.7);
    // After the running one, its own first and the other person's.
    expect(b?.ends?.high).toBeCloseTo(35 * 1.4);
  });

  it('believes measurements more than guesses', () => {
    const measured = [{ estimateKey: 'e', gpuSeconds: 100, runs: 5 }];
    expect(forecastRequests({ ...snapshot, measured }).get('a')?.ends?.high).toBeCloseTo(95 * 1.4);
  });

  it('promises nothing while every GPU is away or paused', () => {
    const instances = [
      { id: 'gpu0', alive: false, paused: false, residentKey: null },
      { id: 'gpu1', alive: true, paused: true, residentKey: null },
    ];
    expect(forecastRequests({ ...snapshot, instances, active: [] }).get('b')).toEqual({ place: 1 });
  });
});
