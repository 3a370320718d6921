import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defaultPickRules, type PickRules } from './pick-job.ts';
import { createFairPolicy, type ReplayJob, type ReplayStart, replayQueue } from './testing/replay-queue.ts';

/** 25,000 for each of the five properties: 125,000 arrival sequences. */
const numRuns = process.env['ATELIER_TEST_FULL'] === '1' ? 25_000 : 250;
const parameters = { seed: 20_260, numRuns };
const timeoutMs = 1_800_000;
const swapSeconds = 5;

/** Charges are sums of whole seconds over small weights. */
const EPSILON = 1e-6;

/** A person of this weight gets as many GPU seconds for one charged. */
const MAX_WEIGHT = 3;

interface Scene {
  jobs: ReplayJob[];
  weights: Map<string, number>;
  gpus: number;
  rules: PickRules;
}

const jobArbitrary = fc.record({
  // Clumps: many come at once, then nobody for a while.
  gap: fc.oneof(
    { weight: 6, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 1, arbitrary: fc.integer({ min: 100, max: 2_000 }) },
  ),
  person: fc.integer({ min: 0, max: 5 }),
  model: fc.integer({ min: 0, max: 3 }),
  batch: fc.boolean(),
  estimate: fc.integer({ min: 1, max: 120 }),
  actual: fc.integer({ min: 1, max: 120 }),
});

function sceneArbitrary(options: { gpus: number; classes: 'interactive' | 'batch' | 'both' }) {
  return fc
    .record({
      drawn: fc.array(jobArbitrary, { minLength: 1, maxLength: 60, size: 'max' }),
      weights: fc.array(fc.integer({ min: 1, max: MAX_WEIGHT }), { minLength: 6, maxLength: 6 }),
      gpus: fc.integer({ min: 1, max: options.gpus }),
      stickySeconds: fc.constantFrom(0, 20, 60),
      patienceSeconds: fc.constantFrom(30, 1_200),
      maxRunning: fc.integer({ min: 1, max: 4 }),
      maxRunningPerPerson: fc.integer({ min: 1, max: 2 }),
    })
    .map(({ drawn, weights, gpus, ...caps }): Scene => {
      let now = 0;
      const jobs = drawn.map(({ gap, person, model, batch, estimate, actual }, seq): ReplayJob => {
        now += gap;
        return {
          id: `j${seq}`,
          personId: `p${person}`,
          seq,
          class: options.classes === 'both' ? (batch ? 'batch' : 'interactive') : options.classes,
          residencyKey: `m${model}`,
          gpuSeconds: estimate,
          waitedSeconds: -now,
          arrivesAt: now,
          actualSeconds: actual,
        };
      });
      return {
        jobs,
        weights: new Map(weights.map((weight, index) => [`p${index}`, weight])),
        gpus,
        rules: { ...defaultPickRules, ...caps },
      };
    });
}

function longestOf({ jobs, weights }: Scene): number {
  return Math.max(...jobs.map((job) => Math.max(job.gpuSeconds, job.actualSeconds) / (weights.get(job.personId) ?? 1)));
}

/** Widest distance between charges of people who still wait, as the scheduler sees them. */
function spread(people: Iterable<string>, charge: (personId: string) => number): number {
  const charges = [...new Set(people)].map(charge);
  return charges.length < 2 ? 0 : Math.max(...charges) - Math.min(...charges);
}

describe('the schedule, over generated arrivals', () => {
  it(
    'keeps charges of those who wait within T + longest job, and finished service within T + 2 × longest, on one GPU',
    () => {
      const scenes = fc.oneof(
        sceneArbitrary({ gpus: 1, classes: 'interactive' }),
        sceneArbitrary({ gpus: 1, classes: 'batch' }),
        sceneArbitrary({ gpus: 1, classes: 'both' }),
      );
      fc.assert(
        fc.property(scenes, (scene) => {
          const { jobs, weights, rules } = scene;
          const longest = longestOf(scene);
          const policy = createFairPolicy({ rules, weights });
          const charge = (personId: string): number =>
            Math.max(
              (policy.shares.get(personId)?.chargedGpuSeconds ?? 0) / (weights.get(personId) ?? 1),
              policy.floorGpuSeconds(),
            );
          const widest = { charged: 0, finished: 0 };
          replayQueue(jobs, policy, {
            gpus: 1,
            swapSeconds,
            onStart({ job }, stillWaiting) {
              const people = stillWaiting.map((other) => other.personId);
              widest.charged = Math.max(widest.charged, spread(people, charge));
              const finished = (personId: string): number =>
                charge(personId) - (personId === job.personId ? job.gpuSeconds / (weights.get(personId) ?? 1) : 0);
              widest.finished = Math.max(widest.finished, spread(people, finished));
            },
          });
          expect(widest.charged).toBeLessThanOrEqual(rules.stickySeconds + longest + EPSILON);
          expect(widest.finished).toBeLessThanOrEqual(rules.stickySeconds + 2 * longest + EPSILON);
        }),
        parameters,
      );
    },
    timeoutMs,
  );

  it(
    'gives two people who both wait the same service within twice the bound, however long one of them was away before',
    () => {
      fc.assert(
        fc.property(sceneArbitrary({ gpus: 1, classes: 'interactive' }), (scene) => {
          const { jobs, weights, rules } = scene;
          const served = new Map<string, number>();
          const leads = new Map<string, { least: number; most: number }>();
          let widest = 0;
          const of = (personId: string): number => served.get(personId) ?? 0;
          replayQueue(jobs, createFairPolicy({ rules, weights }), {
            gpus: 1,
            swapSeconds,
            onStart({ job }, stillWaiting) {
              // Before the charge as well: the pick itself may be the first at which both wait.
              const people = stillWaiting.map((other) => other.personId);
              widest = Math.max(widest, watchLeads(leads, new Set([job.personId, ...people]), of));
              served.set(job.personId, of(job.personId) + job.actualSeconds / (weights.get(job.personId) ?? 1));
              widest = Math.max(widest, watchLeads(leads, new Set(people), of));
            },
          });
          expect(widest).toBeLessThanOrEqual(2 * (rules.stickySeconds + longestOf(scene)) + EPSILON);
        }),
        parameters,
      );
    },
    timeoutMs,
  );

  it(
    'serves everyone, never idles while a job may run, and keeps the caps, on several GPUs and both classes',
    () => {
      fc.assert(
        fc.property(sceneArbitrary({ gpus: 3, classes: 'both' }), ({ jobs, weights, gpus, rules }) => {
          const starts = replayQueue(jobs, createFairPolicy({ rules, weights }), { gpus, swapSeconds });
          expect(new Set(starts.map(({ job }) => job.id)).size).toBe(jobs.length);
          for (const start of starts) checkCaps(start, starts, rules);
          for (const start of starts) checkBusy(start, starts, gpus, rules);
        }),
        parameters,
      );
    },
    timeoutMs,
  );

  it(
    'lets no interactive job wait longer than what the others can be ahead by, whatever batch work is piled up',
    () => {
      fc.assert(
        fc.property(sceneArbitrary({ gpus: 1, classes: 'both' }), (scene) => {
          const { jobs, weights, rules } = scene;
          const longest = longestOf(scene);
          // While somebody's interactive job waits, each other person gets at most two spreads and one job more, and then it is their turn.
          const others = new Set(jobs.map((job) => job.personId)).size - 1;
          const reach = 2 * (rules.stickySeconds + longest) + longest;
          let over = -Infinity;
          replayQueue(jobs, createFairPolicy({ rules, weights }), {
            gpus: 1,
            swapSeconds,
            onStart(start) {
              const { job } = start;
              if (job.class === 'batch') return;
              // Own earlier work comes first; the bound is for what was a person's only job.
              if (jobs.some((other) => other.id !== job.id && other.personId === job.personId)) return;
              const work = others * reach * MAX_WEIGHT;
              const swaps = jobs.length * swapSeconds;
              const limit = work + swaps + longest * MAX_WEIGHT;
              over = Math.max(over, start.startsAt - job.arrivesAt - limit);
            },
          });
          expect(over).toBeLessThanOrEqual(0);
        }),
        parameters,
      );
    },
    timeoutMs,
  );

  it(
    'decides the same for the same input, whatever the order of the rows',
    () => {
      fc.assert(
        fc.property(sceneArbitrary({ gpus: 3, classes: 'both' }), ({ jobs, weights, gpus, rules }) => {
          const order = (reversed: boolean): string[] => {
            const policy = createFairPolicy({ rules, weights });
            const { choose } = policy;
            if (reversed) policy.choose = (state) => choose({ ...state, waiting: state.waiting.toReversed() });
            return replayQueue(jobs, policy, { gpus, swapSeconds }).map(({ job }) => job.id);
          };
          expect(order(true)).toEqual(order(false));
        }),
        parameters,
      );
    },
    timeoutMs,
  );
});

/** Follows how far one person's service leads another's, from when both wait until one does not; returns the widest change. */
function watchLeads(
  leads: Map<string, { least: number; most: number }>,
  waiting: ReadonlySet<string>,
  served: (personId: string) => number,
): number {
  let widest = 0;
  const together = new Set<string>();
  for (const a of waiting) {
    for (const b of waiting) {
      if (a >= b) continue;
      const pair = `${a} ${b}`;
      together.add(pair);
      const lead = served(a) - served(b);
      const range = leads.get(pair) ?? { least: lead, most: lead };
      range.least = Math.min(range.least, lead);
      range.most = Math.max(range.most, lead);
      leads.set(pair, range);
      widest = Math.max(widest, range.most - range.least);
    }
  }
  for (const pair of leads.keys()) if (!together.has(pair)) leads.delete(pair);
  return widest;
}

function runningAt(at: number, starts: readonly ReplayStart[]): ReplayStart[] {
  return starts.filter((start) => start.startsAt <= at && start.endsAt > at);
}

function checkCaps({ job, startsAt }: ReplayStart, starts: readonly ReplayStart[], rules: PickRules): void {
  const running = runningAt(startsAt, starts);
  expect(running.length).toBeLessThanOrEqual(rules.maxRunning);
  expect(running.filter((other) => other.job.personId === job.personId).length).toBeLessThanOrEqual(
    rules.maxRunningPerPerson,
  );
}

/** Whoever waits at the instant after a start is kept by a full machine or by a cap. */
function checkBusy({ startsAt }: ReplayStart, starts: readonly ReplayStart[], gpus: number, rules: PickRules): void {
  const running = runningAt(startsAt, starts);
  if (running.length >= Math.min(gpus, rules.maxRunning)) return;
  for (const { job, startsAt: later } of starts) {
    if (job.arrivesAt > startsAt || later <= startsAt) continue;
    const own = running.filter((other) => other.job.personId === job.personId).length;
    expect(own).toBeGreaterThanOrEqual(rules.maxRunningPerPerson);
  }
}
