import type { SecondsRange } from '@atelier/queue/forecast-queue';
import type { LiveProgress } from '@atelier/shared/contracts/live';
import type { RequestForecast } from './forecast-requests.ts';

/** Extrapolated from what has run counts less at the start, when loading a model moves nothing. */
const extrapolateFrom = 0.15;

/** When a request ends by the forecast, or sooner where its last job's own speed says so. */
export function narrowEnd(ends: SecondsRange, progress: LiveProgress | undefined): SecondsRange {
  if (progress === undefined || progress.fraction < extrapolateFrom) return ends;
  const left = ((progress.elapsedMs / 1_000) * (1 - progress.fraction)) / progress.fraction;
  return { low: Math.min(ends.low, 0.7 * left), high: Math.min(ends.high, 1.4 * left) };
}

/** The same for every request of which one job is left, so that a queue tells what its cards tell. */
export function narrowEnds(
  forecasts: ReadonlyMap<string, RequestForecast>,
  openJobs: readonly { id: string; requestId: string }[],
  progress: ReadonlyMap<string, LiveProgress>,
): Map<string, RequestForecast> {
  const left = Map.groupBy(openJobs, ({ requestId }) => requestId);
  return new Map(
    [...forecasts].map(([requestId, forecast]) => {
      const [job, ...others] = left.get(requestId) ?? [];
      if (job === undefined || others.length > 0 || forecast.ends === undefined) return [requestId, forecast];
      return [requestId, { ...forecast, ends: narrowEnd(forecast.ends, progress.get(job.id)) }];
    }),
  );
}
