import { forecastSnapshot, type QueueFacts, type SnapshotJob } from '@atelier/queue/forecast-snapshot';
import { createRunLessons, type FinishedRun, type RunFeatures } from '@atelier/queue/run-lessons';
import { createServiceTimes } from '@atelier/queue/service-times';
import {
  createFairPolicy,
  type ReplayGpu,
  type ReplayJob,
  type ReplayStart,
  type ReplayState,
  replayQueue,
} from '@atelier/queue/testing/replay-queue';
import { percentile, replayJobs } from './bench-schedule.ts';
import { generateTrace, readTrace, scaleToLoad, type TraceRow } from './bench-schedule-trace.ts';

/** One source of work at one load. */
export interface EstimateCase {
  source: string;
  load: number;
  /** Service times of single jobs, second half of the trace, learned as it goes. */
  service: { tested: number; coverage: number; medianErrorSeconds: number };
  /** Waits forecast when a job came, second half, of jobs that found something before them. */
  waiting: {
    tested: number;
    coverage: number;
    /** Median absolute error of the middle, of the replay without correction, and of queue length × mean. */
    medianErrorSeconds: number;
    uncorrectedErrorSeconds: number;
    queueTimesMeanErrorSeconds: number;
    medianRangeSeconds: number;
    medianWaitSeconds: number;
  };
}

/** That of the goal. */
const LOAD = 0.7;
const OTHER_LOADS = [0.5, 0.9];
const SEEDS = 3;
const SWAP_SECONDS = 5;
/** What a planner guesses of every job. */
const GUESS_SECONDS = 30;
/** Forecasting each arrival of a queue of hundreds would take an hour; every fourth tells as much. */
const EVERY = 4;

/** A trace file, or three seeds of the generator; the first of them also at a lower and a higher load. */
export async function benchEstimate(
  tracePath: string | undefined,
  seed: number,
  say: (line: string) => void,
): Promise<EstimateCase[]> {
  const sources =
    tracePath === undefined
      ? Array.from({ length: SEEDS }, (_, index) => ({
          source: `generator, seed ${seed + index}`,
          rows: generateTrace(seed + index),
        }))
      : [{ source: 'trace file', rows: await readTrace(tracePath) }];
  const [first] = sources;
  const cases = [
    ...sources.map((one) => ({ ...one, load: LOAD })),
    ...(first === undefined ? [] : OTHER_LOADS.map((load) => ({ ...first, load }))),
  ];
  return cases.map(({ source, rows, load }) => {
    say(`${source} at load ${load}, every ${EVERY}th arrival`);
    return testEstimates(source, rows, load);
  });
}

/** Learns on the first half of the arrivals and onwards, and is tested on the second. */
function testEstimates(source: string, rows: readonly TraceRow[], load: number): EstimateCase {
  const scaled = scaleToLoad(rows, load, 1);
  const half = Math.floor(scaled.length / 2);
  return { source, load, service: testService(scaled, half), waiting: testWaits(scaled, half) };
}

function testService(rows: readonly TraceRow[], half: number): EstimateCase['service'] {
  const times = createServiceTimes();
  const errors: number[] = [];
  let covered = 0;
  for (const [index, row] of rows.entries()) {
    if (index >= half) {
      const { low, median, high } = times.estimate(row, GUESS_SECONDS);
      errors.push(Math.abs(median - row.executionSeconds));
      if (row.executionSeconds >= low && row.executionSeconds <= high) covered += 1;
    }
    times.observe({ ...row, gpuSeconds: row.executionSeconds, guessGpuSeconds: GUESS_SECONDS });
  }
  return { tested: errors.length, coverage: covered / errors.length, medianErrorSeconds: percentile(errors, 0.5) };
}

/** What somebody was told when their job came. */
interface Told {
  promise: NonNullable<FinishedRun['promise']>;
  middle: number;
  naive: number;
}

/** Forecasts as chats and doors make them: from the rows of the queue and what finished runs taught. */
function testWaits(rows: readonly TraceRow[], half: number): EstimateCase['waiting'] {
  const lessons = createRunLessons();
  const features = new Map(rows.map((row, index) => [`j${index}`, featuresOf(row)]));
  const featuresOfJob = (job: ReplayJob): RunFeatures => features.get(job.id) ?? featuresOf(rows[job.seq]);
  const policy = createFairPolicy({
    expected: (job) => lessons.serviceTime(featuresOfJob(job))?.mean ?? GUESS_SECONDS,
  });
  const told = new Map<string, Told>();
  const starts = new Map<string, ReplayStart>();
  const errors = { ours: [] as number[], uncorrected: [] as number[], naive: [] as number[] };
  const ranges: number[] = [];
  const waits: number[] = [];
  let covered = 0;
  const finished = { seconds: 0, runs: 0 };

  function snapshotOf(state: ReplayState, gpus: readonly ReplayGpu[]): QueueFacts {
    const rowOf = (job: ReplayJob, waitedSeconds: number): SnapshotJob => ({
      ...featuresOfJob(job),
      id: job.id,
      personId: job.personId,
      seq: job.seq,
      class: job.class,
      residencyKey: job.residencyKey,
      estimateKey: '',
      waitedSeconds,
      priority: 0,
      classes: [],
      models: [],
      vramGb: 0,
    });
    return {
      at: state.now,
      floorGpuSeconds: policy.floorGpuSeconds(),
      queued: state.waiting.map((job) => rowOf(job, state.now - job.arrivesAt)),
      active: gpus.flatMap(({ job, startedAt }) =>
        job === undefined
          ? []
          : [
              {
                ...rowOf(job, startedAt - job.arrivesAt),
                state: 'running',
                instanceId: 'gpu0',
                ranSeconds: state.now - startedAt,
              },
            ],
      ),
      shares: [...policy.shares].map(([personId, share]) => ({ personId, ...share })),
      instances: [
        {
          id: 'gpu0',
          alive: true,
          paused: false,
          answers: true,
          residentKey: state.residentKey ?? null,
          residentSeconds: state.residentSeconds,
          registryHash: null,
          vramGb: null,
          reservedFor: null,
          foreignPrompts: 0,
        },
      ],
      measured: [],
    };
  }

  replayQueue(
    replayJobs(rows),
    {
      choose: (state) => policy.choose(state),
      finished(job) {
        policy.finished?.(job);
        finished.seconds += job.actualSeconds;
        finished.runs += 1;
        const start = starts.get(job.id);
        if (start === undefined) return;
        starts.delete(job.id);
        lessons.learn([
          {
            ...featuresOfJob(job),
            id: job.id,
            gpuSeconds: job.actualSeconds,
            promise: told.get(job.id)?.promise ?? null,
            waitedSeconds: start.startsAt - job.arrivesAt,
            queuedAt: job.arrivesAt,
            finishedAt: start.endsAt,
          },
        ]);
        told.delete(job.id);
      },
    },
    {
      gpus: 1,
      swapSeconds: SWAP_SECONDS,
      onArrival(job, state, gpus) {
        if (job.seq % EVERY !== 0) return;
        const facts = snapshotOf(state, gpus);
        if (facts.active.length === 0 && facts.queued.length === 1) return;
        const forecast = forecastSnapshot(facts, { lessons, untilJobId: job.id }).get(job.id);
        if (forecast?.replayed === undefined || forecast.starts === undefined) {
          throw new Error(`nothing was forecast for ${job.id}`);
        }
        const { low, middle, high } = forecast.starts;
        const mean = finished.runs === 0 ? GUESS_SECONDS : finished.seconds / finished.runs;
        told.set(job.id, {
          promise: { ...forecast.replayed, low, high },
          middle,
          naive: (facts.queued.length - 1 + facts.active.length) * mean,
        });
      },
      onStart(start) {
        const { job, startsAt } = start;
        starts.set(job.id, start);
        const question = told.get(job.id);
        if (question === undefined || job.seq < half) return;
        const { promise, middle, naive } = question;
        const actual = startsAt - job.arrivesAt;
        if (actual >= promise.low && actual <= promise.high) covered += 1;
        errors.ours.push(Math.abs(middle - actual));
        errors.uncorrected.push(Math.abs(promise.seconds - actual));
        errors.naive.push(Math.abs(naive - actual));
        ranges.push(promise.high - promise.low);
        waits.push(actual);
      },
    },
  );
  return {
    tested: errors.ours.length,
    coverage: covered / errors.ours.length,
    medianErrorSeconds: percentile(errors.ours, 0.5),
    uncorrectedErrorSeconds: percentile(errors.uncorrected, 0.5),
    queueTimesMeanErrorSeconds: percentile(errors.naive, 0.5),
    medianRangeSeconds: percentile(ranges, 0.5),
    medianWaitSeconds: percentile(waits, 0.5),
  };
}

function featuresOf(row: TraceRow | undefined): RunFeatures {
  if (row === undefined) throw new Error('a job without a row of the trace');
  const { model, steps, images, loras } = row;
  return { model, steps, pixels: null, images, loras, estimatedGpuSeconds: GUESS_SECONDS };
}

export function formatEstimate(cases: readonly EstimateCase[]): string[] {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  return [
    'one GPU; learned on the first half and onwards, tested on the second (goal at load 0.7: 77–83 % covered, error ≤ 20 % of queue length × mean)',
    ...cases.flatMap(({ source, load, service, waiting }) => [
      `${source}, load ${load}`,
      `  service time: 80 % interval covers ${percent(service.coverage)}, median absolute error ${seconds(service.medianErrorSeconds)} (n = ${service.tested})`,
      `  waiting time: 80 % interval covers ${percent(waiting.coverage)}, median width ${seconds(waiting.medianRangeSeconds)}, median wait ${seconds(waiting.medianWaitSeconds)} (n = ${waiting.tested})`,
      `  median absolute error ${seconds(waiting.medianErrorSeconds)}; replay without correction ${seconds(waiting.uncorrectedErrorSeconds)}; queue length × mean ${seconds(waiting.queueTimesMeanErrorSeconds)}`,
      `  ours is ${percent(waiting.medianErrorSeconds / waiting.queueTimesMeanErrorSeconds)} of queue length × mean`,
    ]),
  ];
}
