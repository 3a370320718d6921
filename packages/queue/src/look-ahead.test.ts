import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lookAhead, type LookAheadInput } from './look-ahead.ts';
import { defaultPickRules, type TimedJob } from './pick-job.ts';
import { createFairPolicy, type ReplayJob, replayQueue } from './testing/replay-queue.ts';

const rules = { pick: defaultPickRules, swapSeconds: 5 };

const jobArbitrary = fc.record({
  person: fc.integer({ min: 0, max: 4 }),
  model: fc.integer({ min: 0, max: 2 }),
  batch: fc.boolean(),
  priority: fc.constantFrom(-1, 0, 0, 0, 1),
  gpuSeconds: fc.integer({ min: 1, max: 400 }),
});

describe('lookAhead', () => {
  it('foretells exactly what happens where nobody else comes and runs take what is expected', () => {
    fc.assert(
      fc.property(
        fc.array(jobArbitrary, { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 1, max: 3 }),
        (drawn, count) => {
          const waiting = drawn.map(({ person, model, batch, priority, gpuSeconds }, seq): ReplayJob => {
            const what = { priority, gpuSeconds, actualSeconds: gpuSeconds, residencyKey: `m${model}` };
            const cls = batch ? 'batch' : 'interactive';
            return { id: `j${seq}`, personId: `p${person}`, seq, class: cls, waitedSeconds: 0, arrivesAt: 0, ...what };
          });
          const gpus = Array.from({ length: count }, (_, index) => ({
            id: `gpu${index}`,
            freeAt: 0,
            residentKey: null,
            residentSeconds: 0,
          }));
          const input: LookAheadInput = { waiting, running: [], gpus, shares: new Map(), floorGpuSeconds: 0 };
          const foretold = [...lookAhead(input, rules)].map(({ job, startsAt }) => [job.id, startsAt]);
          const happened = replayQueue(waiting, createFairPolicy(), { gpus: count, swapSeconds: rules.swapSeconds });
          expect(foretold).toEqual(happened.map(({ job, startsAt }) => [job.id, startsAt]));
        },
      ),
      { seed: 11, numRuns: 150 },
    );
  });

  it('counts what runs against a cap, and not what only lies posted behind it', () => {
    const job: TimedJob = {
      id: 'j1',
      personId: 'mei',
      seq: 1,
      class: 'interactive',
      residencyKey: 'sdxl',
      gpuSeconds: 10,
      waitedSeconds: 0,
    };
    const one = { pick: { ...defaultPickRules, maxRunningPerPerson: 1 }, swapSeconds: 5 };
    const start = (startsAt: number): number | undefined => {
      const [first] = lookAhead(
        {
          waiting: [job],
          running: [{ personId: 'mei', startsAt, endsAt: 30 }],
          gpus: [{ id: 'gpu1', freeAt: 0, residentKey: null, residentSeconds: 0 }],
          shares: new Map(),
          floorGpuSeconds: 0,
        },
        one,
      );
      return first?.startsAt;
    };
    expect([start(0), start(20)]).toEqual([30, 0]);
  });
});
