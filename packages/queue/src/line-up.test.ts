import fc from 'fast-check';
import { expect, it } from 'vitest';
import { lineUp } from './line-up.ts';
import { defaultPickRules, pickJob, type Share, type WaitingJob } from './pick-job.ts';

const jobArbitrary = fc.record({
  person: fc.integer({ min: 0, max: 3 }),
  model: fc.integer({ min: 0, max: 2 }),
  recipe: fc.constantFrom(undefined, 'a', 'b'),
  batch: fc.boolean(),
  priority: fc.constantFrom(-1, 0, 0, 0, 1),
  runsHere: fc.boolean(),
  /** Those that came first have waited longest. */
  waitedBefore: fc.integer({ min: 0, max: 900 }),
});

it('lets a pick look at the first of each line alone, and choose what it would choose among all', () => {
  fc.assert(
    fc.property(
      fc.array(jobArbitrary, { minLength: 1, maxLength: 60 }),
      fc.record({
        charged: fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 4, maxLength: 4 }),
        resident: fc.boolean(),
      }),
      (drawn, { charged, resident }) => {
        let waitedSeconds = drawn.reduce((sum, { waitedBefore }) => sum + waitedBefore, 0);
        const runsHere = new Set<string>();
        const waiting = drawn.map((job, seq): WaitingJob => {
          const id = `j${seq}`;
          if (job.runsHere) runsHere.add(id);
          waitedSeconds -= job.waitedBefore;
          const { priority, recipe } = job;
          const rest = { seq, priority, recipe, waitedSeconds, residencyKey: `m${job.model}` };
          return { id, personId: `p${job.person}`, class: job.batch ? 'batch' : 'interactive', ...rest };
        });
        const shares = new Map<string, Share>(
          charged.map((chargedGpuSeconds, person) => [`p${person}`, { chargedGpuSeconds, weight: 1 }]),
        );
        const common = {
          shares,
          floorGpuSeconds: 0,
          running: new Map([['p0', 1]]),
          canRun: ({ id }: WaitingJob) => runsHere.has(id),
          ...(resident ? { residentKey: 'm1', residentRecipe: 'a' } : {}),
        };
        const lines = lineUp(waiting, defaultPickRules, ({ id }) => String(runsHere.has(id)));
        let left = waiting;
        for (;;) {
          const among = pickJob({ ...common, waiting: left });
          const first = pickJob({ ...common, waiting: lines.firsts });
          expect(first).toEqual(among);
          if (among === undefined || first === undefined) break;
          left = left.filter((job) => job !== among.job);
          lines.take(first.job);
          shares.set(among.job.personId, { chargedGpuSeconds: among.liftedGpuSeconds + 20, weight: 1 });
        }
      },
    ),
    { seed: 5, numRuns: 300 },
  );
});
