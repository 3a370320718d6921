import { z } from 'zod';
import { quantile, rangeEnd } from './service-times.ts';

/**
 * Recent forecast errors: for each group and size of forecast, the newest last, as log((actual + 5 s) / (forecast + 5 s)).
 * Plain data, so that a restart can keep it.
 */
export const waitCalibrationSchema = z.object({
  errors: z.record(z.string(), z.array(z.number())),
  /** Share of errors left out at each end of a range: 0.1 if errors stayed as they were; moved by each miss. */
  tails: z.object({ below: z.number().min(0).max(0.5), above: z.number().min(0).max(0.5) }),
});
export type WaitCalibration = z.infer<typeof waitCalibrationSchema>;

export const emptyWaitCalibration: WaitCalibration = { errors: {}, tails: { below: 0.1, above: 0.1 } };

/** A waiting time as replayed, and what kind of forecast it is: forecasts of one group err alike. */
export interface WaitForecast {
  seconds: number;
  /** Of the person's own jobs ahead: who has many is overtaken by newcomers more. Such as `own-0` and `own-8`. */
  group: string;
}

/** Seconds: 80 % of waits end between low and high. */
export interface CalibratedWait {
  low: number;
  middle: number;
  high: number;
}

/** Below this many seconds a difference is noise, not a ratio. */
const SOFT_SECONDS = 5;
const WINDOW = 200;
const MIN_ERRORS = 20;
/** How far one miss moves a tail: little, since on a long queue what became of a forecast is known hours later. */
const STEP = 0.003;
/** Before any error is known: what a replay without newcomers usually misses by. */
const UNKNOWN = { low: 0.7, middle: 1, high: 1.4 };
const SIZES = [1, 15, 30, 60, 120, 300, 600, 1_200, 2_400, 4_800];

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
  const errors = { ...state.errors };
  for (const key of keysOf(forecast)) errors[key] = [...(errors[key] ?? []).slice(1 - WINDOW), error];
  if (promised === undefined) return { errors, tails: state.tails };
  const move = (tail: number, missed: boolean): number =>
    Math.min(0.45, Math.max(0.005, tail + STEP * (0.1 - Number(missed))));
  return {
    errors,
    tails: {
      below: move(state.tails.below, actualSeconds < promised.low),
      above: move(state.tails.above, actualSeconds > promised.high),
    },
  };
}

/** Corrects a replayed waiting time by the errors of the last forecasts of its kind. */
export function calibrateWait(state: WaitCalibration, forecast: WaitForecast): CalibratedWait {
  const { seconds } = forecast;
  for (const key of keysOf(forecast)) {
    const errors = state.errors[key];
    if (errors === undefined || errors.length < MIN_ERRORS) continue;
    const sorted = errors.toSorted((a, b) => a - b);
    const at = (error: number): number => Math.max(0, (seconds + SOFT_SECONDS) * Math.exp(error) - SOFT_SECONDS);
    return {
      low: at(rangeEnd(sorted, state.tails.below)),
      middle: at(quantile(sorted, 0.5)),
      high: at(rangeEnd(sorted, 1 - state.tails.above)),
    };
  }
  return { low: seconds * UNKNOWN.low, middle: seconds * UNKNOWN.middle, high: seconds * UNKNOWN.high };
}

/** From the finest to the coarsest. */
function keysOf({ seconds, group }: WaitForecast): string[] {
  const size = SIZES.findIndex((limit) => seconds < limit);
  const name = size === -1 ? SIZES.length : size;
  return [`${group}/${name}`, `${group}/*`, `*/${name}`, '*'];
}
