import { type ActiveJob, forecastQueue } from '@atelier/queue/forecast-queue';
import { createServiceTimes } from '@atelier/queue/service-times';
import { createFairPolicy, type ReplayJob, replayQueue } from '@atelier/queue/testing/replay-queue';
import { calibrateWait, emptyWaitCalibration, recordWait, type WaitForecast } from '@atelier/queue/wait-calibration';
import { percentile, replayJobs } from './bench-schedule.ts';
import { generateTrace, readTrace, scaleToLoad } from './bench-schedule-trace.ts';

export interface EstimateResult {
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
  };
}

const LOAD = 0.7;
const SWAP_SECONDS = 5;
/** Forecasting each arrival of a queue of hundreds would take an hour; every fourth tells as much. */
const EVERY = 4;

interface Asked {
  index: number;
  replayed: WaitForecast;
  low: number;
  middle: number;
  high: number;
  naive: number;
}

export async function benchEstimate(
  tracePath: string | undefined,
  seed: number,
  say: (line: string) => void,
): Promise<EstimateResult> {
  const rows = scaleToLoad(tracePath === undefined ? generateTrace(seed) : await readTrace(tracePath), LOAD, 1);
  const jobs = replayJobs(rows);
  const half = Math.floor(jobs.length / 2);
  say(`waiting times at load ${LOAD}, every ${EVERY}th arrival`);
  const waiting = testWaits(jobs, half);
  return {
    source: tracePath === undefined ? `generator, seed ${seed}` : 'trace file',
    load: LOAD,
    service: testService(rows, half),
    waiting,
  };
}

function testService(rows: Awaited<ReturnType<typeof readTrace>>, half: number): EstimateResult['service'] {
  const times = createServiceTimes();
  const errors: number[] = [];
  let covered = 0;
  for (const [index, row] of rows.entries()) {
    if (index >= half) {
      const { low, median, high } = times.estimate(row, 30);
      errors.push(Math.abs(median - row.executionSeconds));
      if (row.executionSeconds >= low && row.executionSeconds <= high) covered += 1;
    }
    times.observe({ ...row, gpuSeconds: row.executionSeconds, guessGpuSeconds: 30 });
  }
  return {
    tested: errors.length,
    coverage: covered / errors.length,
    medianErrorSeconds: percentile(errors, 0.5),
  };
}

function testWaits(jobs: readonly ReplayJob[], half: number): EstimateResult['waiting'] {
  const policy = createFairPolicy();
  let calibration = emptyWaitCalibration;
  const asked = new Map<string, Asked>();
  const errors = { ours: [] as number[], uncorrected: [] as number[], naive: [] as number[] };
  const ranges: number[] = [];
  let covered = 0;
  const finished = { seconds: 0, runs: 0 };
  replayQueue(jobs, policy, {
    gpus: 1,
    swapSeconds: SWAP_SECONDS,
    onArrival(job, state, gpus) {
      if (job.seq % EVERY !== 0) return;
      const active: ActiveJob[] = gpus.flatMap(({ job: held, startedAt }) =>
        held === undefined ? [] : [{ ...held, instanceId: 'gpu0', ranSeconds: state.now - startedAt }],
      );
      if (active.length === 0 && state.waiting.length === 1) return;
      const forecast = forecastQueue(
        {
          waiting: state.waiting.map((one) => ({ ...one, waitedSeconds: one.waitedSeconds + state.now })),
          active,
          shares: policy.shares,
          floorGpuSeconds: policy.floorGpuSeconds(),
          instances: [{ id: 'gpu0', residentKey: state.residentKey ?? null, residentSeconds: state.residentSeconds }],
        },
        undefined,
        { untilJobId: job.id },
      ).get(job.id);
      if (forecast?.replayed === undefined) throw new Error(`nothing was forecast for ${job.id}`);
      const mean = finished.runs === 0 ? 30 : finished.seconds / finished.runs;
      const naive = (state.waiting.length - 1 + active.length) * mean;
      asked.set(job.id, {
        index: job.seq,
        replayed: forecast.replayed,
        naive,
        ...calibrateWait(calibration, forecast.replayed),
      });
    },
    onStart({ job, startsAt }) {
      finished.seconds += job.actualSeconds;
      finished.runs += 1;
      const question = asked.get(job.id);
      if (question === undefined) return;
      asked.delete(job.id);
      const actual = startsAt - job.arrivesAt;
      calibration = recordWait(calibration, question.replayed, actual, question);
      if (question.index < half) return;
      if (actual >= question.low && actual <= question.high) covered += 1;
      errors.ours.push(Math.abs(question.middle - actual));
      errors.uncorrected.push(Math.abs(question.replayed.seconds - actual));
      errors.naive.push(Math.abs(question.naive - actual));
      ranges.push(question.high - question.low);
    },
  });
  return {
    tested: errors.ours.length,
    coverage: covered / errors.ours.length,
    medianErrorSeconds: percentile(errors.ours, 0.5),
    uncorrectedErrorSeconds: percentile(errors.uncorrected, 0.5),
    queueTimesMeanErrorSeconds: percentile(errors.naive, 0.5),
    medianRangeSeconds: percentile(ranges, 0.5),
  };
}

export function formatEstimate({ source, load, service, waiting }: EstimateResult): string[] {
  const percent = (value: number): string => `${(100 * value).toFixed(1)} %`;
  const seconds = (value: number): string => `${value.toFixed(1)} s`;
  return [
    `${source}, one GPU at load ${load}; learned on the first half and onwards, tested on the second`,
    `service time: 80 % interval covers ${percent(service.coverage)}, median absolute error ${seconds(service.medianErrorSeconds)} (n = ${service.tested})`,
    `waiting time: 80 % interval covers ${percent(waiting.coverage)} (goal 77–83 %), median width ${seconds(waiting.medianRangeSeconds)} (n = ${waiting.tested})`,
    `  median absolute error ${seconds(waiting.medianErrorSeconds)}; replay without correction ${seconds(waiting.uncorrectedErrorSeconds)}; queue length × mean ${seconds(waiting.queueTimesMeanErrorSeconds)}`,
    `  ours is ${percent(waiting.medianErrorSeconds / waiting.queueTimesMeanErrorSeconds)} of queue length × mean (goal ≤ 20 %)`,
  ];
}
