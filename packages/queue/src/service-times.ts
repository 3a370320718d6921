/** What decides how long a job runs. */
export interface ServiceFeatures {
  /** Checkpoint, or recipe where none is named. */
  model: string;
  steps: number;
  /** Of one image; absent when unknown. */
  pixels?: number | undefined;
  images: number;
  /** LoRAs that patch the model; absent when unknown. */
  loras?: number | undefined;
}

export interface ServiceObservation extends ServiceFeatures {
  gpuSeconds: number;
  /** What the planner expected of it: says how far its guesses are off for kinds of work that never ran. */
  guessGpuSeconds?: number | undefined;
}

/** Seconds on the GPU: the middle 80 % of runs, and their mean, which is what adds up over a queue. */
export interface ServiceTime {
  low: number;
  median: number;
  high: number;
  mean: number;
  /** Runs behind it; 0 for a guess. */
  runs: number;
}

export interface ServiceTimes {
  /** @param guessGpuSeconds what the planner expects; decides where no run of the model is known, corrected by how far its guesses were off. */
  estimate(features: ServiceFeatures, guessGpuSeconds: number): ServiceTime;
  /** Adds a finished run; the oldest of its key is forgotten past the window. */
  observe(observation: ServiceObservation): void;
}

export interface ServiceTimesOptions {
  /** Runs kept for each key. */
  window: number;
  /** A key with fewer runs asks the next coarser one. */
  minRuns: number;
}

export const defaultServiceTimesOptions: ServiceTimesOptions = { window: 50, minRuns: 3 };

/**
 * Rolling quantiles of service times by (model, steps, pixels, images, LoRAs). A key that has run too seldom falls back to a coarser one:
 * without pixels, without LoRAs, without images, the model alone, and at last the planner's guess, times what runs of all
 * kinds took of theirs.
 *
 * @param observations oldest first.
 */
export function createServiceTimes(
  observations: Iterable<ServiceObservation> = [],
  options: ServiceTimesOptions = defaultServiceTimesOptions,
): ServiceTimes {
  const runsOf = new Map<string, number[]>();
  // Sorting fifty numbers for each of a thousand queued jobs would show; most keys repeat.
  const summaries = new Map<string, ServiceTime>();
  /** What the last runs of any kind took, in multiples of what was guessed. */
  const guessed: number[] = [];
  const times: ServiceTimes = {
    estimate(features, guessGpuSeconds) {
      let finest: ServiceTime | undefined;
      for (const key of keysOf(features)) {
        const runs = runsOf.get(key);
        if (runs === undefined || runs.length < options.minRuns) continue;
        const summary = summaries.get(key) ?? summarise(runs);
        summaries.set(key, summary);
        finest ??= summary;
        if (summary.runs >= RANGE_RUNS) return withRangeOf(finest, summary);
      }
      const guess = guessGpuSeconds;
      if (guessed.length >= options.minRuns) {
        const usual = summaries.get(ANY) ?? summarise(guessed);
        summaries.set(ANY, usual);
        const scaled = scaledTo(usual, guess);
        return finest === undefined ? scaled : withRangeOf(finest, scaled);
      }
      if (finest !== undefined) return finest;
      return { low: guess * 0.5, median: guess, high: guess * 2, mean: guess, runs: 0 };
    },
    observe(observation) {
      if (!Number.isFinite(observation.gpuSeconds) || observation.gpuSeconds < 0) return;
      for (const key of keysOf(observation)) {
        const runs = runsOf.get(key) ?? [];
        runs.push(observation.gpuSeconds);
        if (runs.length > options.window) runs.shift();
        runsOf.set(key, runs);
        summaries.delete(key);
      }
      const { guessGpuSeconds = 0 } = observation;
      if (guessGpuSeconds <= 0) return;
      guessed.push(observation.gpuSeconds / guessGpuSeconds);
      if (guessed.length > options.window) guessed.shift();
      summaries.delete(ANY);
    },
  };
  for (const observation of observations) times.observe(observation);
  return times;
}

/** Fewer than nine values cannot hold a range of 80 %, however they fall. */
const RANGE_RUNS = 9;

/** Under which the multiples of guesses are summed up; no key of {@link keysOf}. */
const ANY = '';

function scaledTo(summary: ServiceTime, scale: number): ServiceTime {
  const { low, median, high, mean, runs } = summary;
  return { low: low * scale, median: median * scale, high: high * scale, mean: mean * scale, runs };
}

/** The centre of one key with the relative range of a coarser one, whose runs are enough for a range. */
function withRangeOf(finest: ServiceTime, coarser: ServiceTime): ServiceTime {
  if (finest === coarser || coarser.median === 0) return finest;
  const scale = finest.median / coarser.median;
  return {
    ...finest,
    low: Math.min(finest.low, coarser.low * scale),
    high: Math.max(finest.high, coarser.high * scale),
  };
}

/** From the finest to the coarsest; JSON, so that no name can imitate another key. */
function keysOf({ model, steps, pixels, images, loras }: ServiceFeatures): string[] {
  return [
    JSON.stringify([model, steps, images, loras ?? null, pixels ?? null]),
    JSON.stringify([model, steps, images, loras ?? null]),
    JSON.stringify([model, steps, images]),
    JSON.stringify([model, steps]),
    JSON.stringify([model]),
  ];
}

function summarise(runs: readonly number[]): ServiceTime {
  const sorted = runs.toSorted((a, b) => a - b);
  return {
    low: rangeEnd(sorted, 0.1),
    median: quantile(sorted, 0.5),
    high: rangeEnd(sorted, 0.9),
    mean: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    runs: sorted.length,
  };
}

/**
 * Linear between the two nearest values.
 *
 * @param sorted ascending, at least one value.
 * @param share 0 to 1.
 */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

/**
 * Where the share of future values that lie below is the given one, if they are drawn as the past ones were: a little outside of
 * {@link quantile}, which describes the past. The outermost value where there are too few.
 */
export function rangeEnd(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length + 1) - 1;
  return quantile(sorted, Math.min(1, Math.max(0, at / Math.max(1, sorted.length - 1))));
}
