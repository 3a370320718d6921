import { quantile, rangeEnd } from './service-times.ts';

/** What held when a forecast was made. */
export interface WaitConditions {
  /** People whose jobs wait. */
  people: number;
  /** GPU seconds that were asked for, a second and GPU, over each of {@link loadWindowsSeconds} before. */
  loads: readonly number[];
}

/** A waiting time as replayed from what is known, without those who will come: they are what most forecasts err by. */
export interface WaitForecast {
  seconds: number;
  conditions: WaitConditions;
}

/** Seconds: 80 % of waits end between low and high, and half of them before the middle. */
export interface CalibratedWait {
  low: number;
  middle: number;
  high: number;
}

/** What became of earlier forecasts. */
export interface WaitCalibration {
  /** Oldest first. */
  cases: readonly WaitCase[];
  /** Share of alike cases left out at each end of a range: 0.1 if errors stayed as they were; moved by each miss. */
  tails: { below: number; above: number };
}

interface WaitCase {
  /** Where it lies among others: see {@link lengthAxis} and {@link conditionAxes}. */
  length: number;
  conditions: readonly number[];
  /** log((actual + 5 s) / (forecast + 5 s)). */
  error: number;
}

export const emptyWaitCalibration: WaitCalibration = { cases: [], tails: { below: 0.1, above: 0.1 } };

/** How busy it was over the last while, the last hour and the last hours: together they tell a rush that begins from one that ends. */
export const loadWindowsSeconds: readonly number[] = [1_200, 4_800, 19_200];

/** Below this many seconds a difference is noise, not a ratio. */
const SOFT_SECONDS = 5;
const MAX_CASES = 4_000;
const MIN_CASES = 20;
/** So many cases that are most alike say where the middle is. */
const NEAREST = 40;
/**
 * So many others, of every kind, widen the range with them: those that are most alike are often of one afternoon, and the next may
 * be like none before.
 */
const OTHERS = 20;
/** How far one miss moves a tail: little, since on a long queue what became of a forecast is known hours later. */
const STEP = 0.006;
/** Before anything is known: what a replay usually misses by. */
const UNKNOWN = { low: 0.7, middle: 1, high: 1.4 };

/**
 * Adds what became of a forecast. The state given is not changed.
 *
 * @param promised the range that was shown: each miss widens the ranges to come and each hit narrows them, so that 80 % are
 *   held even while errors grow or shrink.
 */
export function recordWait(
  state: WaitCalibration,
  forecast: WaitForecast,
  actualSeconds: number,
  promised?: { low: number; high: number },
): WaitCalibration {
  const error = Math.log((actualSeconds + SOFT_SECONDS) / (forecast.seconds + SOFT_SECONDS));
  const { seconds, conditions } = forecast;
  const one = { length: lengthAxis(seconds), conditions: conditionAxes(conditions), error };
  const cases = [...state.cases.slice(1 - MAX_CASES), one];
  if (promised === undefined) return { cases, tails: state.tails };
  const move = (tail: number, missed: boolean): number =>
    Math.min(0.45, Math.max(0.005, tail + STEP * (0.1 - Number(missed))));
  return {
    cases,
    tails: {
      below: move(state.tails.below, actualSeconds < promised.low),
      above: move(state.tails.above, actualSeconds > promised.high),
    },
  };
}

/**
 * Corrects replayed waiting times by what became of those earlier forecasts that were most alike: of about the same length, with as
 * many people waiting, after hours as busy.
 *
 * @param conditions of all forecasts of one look at the queue: what is alike in them is sought once.
 */
export function calibrateWaits(
  { cases, tails }: WaitCalibration,
  conditions: WaitConditions,
): (seconds: number) => CalibratedWait {
  if (cases.length < MIN_CASES) {
    return (seconds) => ({
      low: seconds * UNKNOWN.low,
      middle: seconds * UNKNOWN.middle,
      high: seconds * UNKNOWN.high,
    });
  }
  const axes = conditionAxes(conditions);
  const alike = cases
    .map(({ length, error, conditions: other }) => ({
      length,
      error,
      distance: axes.reduce((sum, value, axis) => sum + (value - (other[axis] ?? 0)) ** 2, 0),
    }))
    .sort((a, b) => a.distance - b.distance);
  const others = Array.from({ length: OTHERS }, (_, index) => alike[Math.floor((index * alike.length) / OTHERS)]);
  const nearest = new Map<number, number[]>();
  return (seconds) => {
    const at = (error: number): number => Math.max(0, (seconds + SOFT_SECONDS) * Math.exp(error) - SOFT_SECONDS);
    // Jobs of one look come one after the other: those of nearly the same wait have the same neighbours.
    const length = Math.round(lengthAxis(seconds) * 50) / 50;
    const errors = nearest.get(length) ?? nearestErrors(alike, length).sort((a, b) => a - b);
    nearest.set(length, errors);
    const middle = at(quantile(errors, 0.5));
    const all = [...errors, ...others.flatMap((other) => other?.error ?? [])].sort((a, b) => a - b);
    return {
      low: Math.min(middle, at(rangeEnd(all, tails.below))),
      middle,
      high: Math.max(middle, at(rangeEnd(all, 1 - tails.above))),
    };
  };
}

/** Twice as long is as far from a minute as from an hour; less than half a minute is all alike. */
function lengthAxis(seconds: number): number {
  return Math.log(seconds + 30) / 3;
}

/** Twice as many people, or twice the load, are as far wherever they stand; a load says more than the number of people. */
function conditionAxes({ people, loads }: WaitConditions): number[] {
  return [Math.log2(1 + people) / 2, ...loadWindowsSeconds.map((_, window) => Math.log(0.1 + (loads[window] ?? 0)))];
}

/** @param alike the most alike in conditions first, so that most need no look. */
function nearestErrors(
  alike: readonly { length: number; error: number; distance: number }[],
  length: number,
): number[] {
  const errors: number[] = [];
  const distances: number[] = [];
  for (const one of alike) {
    const farthest = distances.length < NEAREST ? Infinity : (distances.at(-1) ?? Infinity);
    if (one.distance >= farthest) break;
    const distance = one.distance + (one.length - length) ** 2;
    if (distance >= farthest) continue;
    const after = distances.findIndex((other) => other > distance);
    const at = after === -1 ? distances.length : after;
    distances.splice(at, 0, distance);
    errors.splice(at, 0, one.error);
    if (distances.length > NEAREST) {
      distances.pop();
      errors.pop();
    }
  }
  return errors;
}
