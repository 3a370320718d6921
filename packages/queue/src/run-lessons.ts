import { createServiceTimes, type ServiceTime } from './service-times.ts';
import { emptyWaitCalibration, recordWait, type WaitCalibration, type WaitForecast } from './wait-calibration.ts';

/** What decides how long a job runs, as the queue knows it. */
export interface RunFeatures {
  model: string | null;
  steps: number | null;
  pixels: number | null;
  images: number;
  loras: number | null;
  estimatedGpuSeconds: number;
}

/** A job that succeeded, as estimates learn from it. */
export interface FinishedRun extends RunFeatures {
  id: string;
  gpuSeconds: number;
  /** What its person was told, as far as it can be read. */
  promise: (WaitForecast & { low: number; high: number }) | null;
  /** From that word to the start; null without one. */
  waitedSeconds: number | null;
  /** Seconds since 1970, by the clock that all of them share. */
  queuedAt: number;
  finishedAt: number;
}

/** What earlier runs teach: how long work takes, and by how much forecasts of waiting were off. */
export interface RunLessons {
  /** Undefined for jobs of earlier versions, which do not say what they are. */
  serviceTime(job: RunFeatures): ServiceTime | undefined;
  readonly calibration: WaitCalibration;
  /** The last that ended, as far back as forecasts look at how busy it was. */
  readonly recentRuns: readonly Pick<FinishedRun, 'id' | 'queuedAt' | 'gpuSeconds'>[];
  /** `finishedAt` of the last run that was learned from; undefined before the first. */
  readonly learnedUntil: number | undefined;
  /** @param runs oldest first; those that are known already teach nothing. */
  learn(runs: readonly FinishedRun[]): void;
}

/** Ids kept to know a run again; more than may come twice. */
const MAX_KNOWN = 10_000;
/** One every two seconds, over the longest window of a load. */
const MAX_RECENT = 10_000;

export function createRunLessons(): RunLessons {
  const times = createServiceTimes();
  const known = new Set<string>();
  let recentRuns: FinishedRun[] = [];
  let calibration = emptyWaitCalibration;
  let learnedUntil: number | undefined;

  function learnOne(run: FinishedRun): void {
    if (known.has(run.id)) return;
    known.add(run.id);
    const [oldest] = known;
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
    learnedUntil = Math.max(learnedUntil ?? 0, run.finishedAt);
    recentRuns.push(run);
    if (recentRuns.length > 2 * MAX_RECENT) recentRuns = recentRuns.slice(-MAX_RECENT);
    const features = featuresOf(run);
    if (features !== undefined) {
      times.observe({ ...features, gpuSeconds: run.gpuSeconds, guessGpuSeconds: run.estimatedGpuSeconds });
    }
    if (run.promise !== null && run.waitedSeconds !== null && run.waitedSeconds >= 0) {
      calibration = recordWait(calibration, run.promise, run.waitedSeconds, run.promise);
    }
  }

  return {
    serviceTime(job) {
      const features = featuresOf(job);
      return features === undefined ? undefined : times.estimate(features, job.estimatedGpuSeconds);
    },
    get calibration() {
      return calibration;
    },
    get recentRuns() {
      return recentRuns;
    },
    get learnedUntil() {
      return learnedUntil;
    },
    learn(runs) {
      for (const run of runs) learnOne(run);
    },
  };
}

function featuresOf({ model, steps, pixels, images, loras }: Omit<RunFeatures, 'estimatedGpuSeconds'>) {
  if (model === null || steps === null) return undefined;
  return { model, steps, images, pixels: pixels ?? undefined, loras: loras ?? undefined };
}
