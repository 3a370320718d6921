import { describe, expect, it } from 'vitest';
import { defaultForecastRules, forecastQueue, type ForecastInput } from './forecast-queue.ts';
import { defaultPickRules, type TimedJob } from './pick-job.ts';
import { emptyWaitCalibration, recordWait } from './wait-calibration.ts';

function waitingJob(id: string, personId: string, seq: number): TimedJob {
  return { id, personId, seq, class: 'interactive', residencyKey: 'sdxl', gpuSeconds: 10, waitedSeconds: 0 };
}

function queue(overrides: Partial<ForecastInput> = {}): ForecastInput {
  return {
    waiting: [],
    active: [],
    shares: new Map(),
    floorGpuSeconds: 0,
    instances: [{ id: 'gpu0', residentKey: 'sdxl' }],
    ...overrides,
  };
}

describe('forecastQueue', () => {
  it('alternates between two people although one asked for everything first', () => {
    const waiting = [waitingJob('m1', 'mei', 1), waitingJob('m2', 'mei', 2), waitingJob('a1', 'ana', 3)];
    const forecast = forecastQueue(queue({ waiting }));
    expect(forecast.get('m1')?.position).toBe(1);
    expect(forecast.get('a1')?.position).toBe(2);
    expect(forecast.get('m2')?.position).toBe(3);
    expect(forecast.get('m2')?.starts).toEqual({ low: 14, middle: 20, high: 28 });
  });

  it('waits for the rest of what runs', () => {
    const active = [
      { id: 'r1', personId: 'mei', instanceId: 'gpu0', residencyKey: 'sdxl', gpuSeconds: 20, ranSeconds: 15 },
    ];
    const forecast = forecastQueue(queue({ active, waiting: [waitingJob('a1', 'ana', 1)] }));
    expect(forecast.get('r1')).toMatchObject({ position: 0, ends: { low: 0, high: 13 } });
    expect(forecast.get('a1')?.starts?.low).toBeCloseTo(3.5);
  });

  it('spreads over GPUs', () => {
    const waiting = [waitingJob('m1', 'mei', 1), waitingJob('a1', 'ana', 2)];
    const instances = [
      { id: 'gpu0', residentKey: 'sdxl' },
      { id: 'gpu1', residentKey: 'sdxl' },
    ];
    expect(forecastQueue(queue({ waiting, instances })).get('a1')?.starts).toEqual({ low: 0, middle: 0, high: 0 });
  });

  it('gives positions and no times while no GPU takes work', () => {
    const forecast = forecastQueue(queue({ waiting: [waitingJob('m1', 'mei', 1)], instances: [] }));
    expect(forecast.get('m1')).toEqual({ position: 1, reason: 'least_served' });
  });

  it('gives each GPU what it can run, and promises nothing for what none can', () => {
    const waiting = [waitingJob('m1', 'mei', 1), waitingJob('a1', 'ana', 2), waitingJob('b1', 'bo', 3)];
    const instances = [
      { id: 'gpu0', residentKey: null },
      { id: 'gpu1', residentKey: null },
    ];
    const canRun = ({ id }: TimedJob, gpu: string): boolean => id !== 'b1' && gpu === 'gpu0';
    const forecast = forecastQueue(queue({ waiting, instances, canRun }));
    expect(forecast.get('a1')?.starts?.low).toBeCloseTo(0.7 * 15);
    expect(forecast.get('b1')).toEqual({ position: 3, reason: 'least_served' });
  });

  it('counts what lies posted behind a running job as next, and starts it after that', () => {
    const common = { instanceId: 'gpu0', residencyKey: 'sdxl', gpuSeconds: 20 };
    const active = [
      { ...common, id: 'p1', personId: 'ana', ranSeconds: null },
      { ...common, id: 'r1', personId: 'mei', ranSeconds: 10 },
    ];
    const forecast = forecastQueue(queue({ active, waiting: [waitingJob('b1', 'bo', 1)] }));
    expect(forecast.get('r1')?.position).toBe(0);
    expect(forecast.get('p1')).toMatchObject({ position: 1, starts: { low: 4, high: 18 } });
    expect(forecast.get('b1')).toMatchObject({ position: 2, starts: { low: 21, high: 42 } });
  });

  it('waits for a cap as a worker would', () => {
    const rules = { ...defaultForecastRules, pick: { ...defaultPickRules, maxRunningPerPerson: 1 } };
    const waiting = [waitingJob('m1', 'mei', 1), waitingJob('m2', 'mei', 2)];
    const instances = [
      { id: 'gpu0', residentKey: 'sdxl' },
      { id: 'gpu1', residentKey: 'sdxl' },
    ];
    expect(forecastQueue(queue({ waiting, instances }), rules).get('m2')?.starts).toEqual({
      low: 7,
      middle: 10,
      high: 14,
    });
  });

  it('waits for prompts of others', () => {
    const instances = [{ id: 'gpu0', residentKey: 'sdxl', foreignPrompts: 2 }];
    expect(forecastQueue(queue({ waiting: [waitingJob('m1', 'mei', 1)], instances })).get('m1')?.starts).toEqual({
      low: 42,
      middle: 60,
      high: 84,
    });
  });

  it('uses measured service times and ranges learned from earlier errors', () => {
    let calibration = emptyWaitCalibration;
    const conditions = { people: 2, loads: [] };
    for (let run = 0; run < 20; run += 1) {
      calibration = recordWait(calibration, { seconds: 20, conditions }, 45);
    }
    const waiting = [waitingJob('m1', 'mei', 1), waitingJob('a1', 'ana', 2)];
    const serviceTime = () => ({ low: 15, high: 30 });
    const forecast = forecastQueue(queue({ waiting }), undefined, { serviceTime, calibration }).get('a1');
    expect(forecast?.replayed).toEqual({ seconds: 10, conditions });
    expect(forecast?.starts?.low).toBeCloseTo(25);
    expect(forecast?.starts?.middle).toBeCloseTo(25);
    expect(forecast?.starts?.high).toBeCloseTo(25);
    expect(forecast?.ends?.low).toBeCloseTo(40);
    expect(forecast?.ends?.high).toBeCloseTo(55);
  });

  it('looks no further than the job that was asked about', () => {
    const waiting = [waitingJob('m1', 'mei', 1), waitingJob('a1', 'ana', 2), waitingJob('a2', 'ana', 3)];
    const forecast = forecastQueue(queue({ waiting }), undefined, { untilJobId: 'a1' });
    expect([...forecast.keys()]).toEqual(['m1', 'a1']);
  });
});
