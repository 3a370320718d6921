import type { NewJobPromise } from '@atelier/shared/db/jobs/job-promises';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { QueueForecast } from './forecast-requests.ts';

/** What is said for the first time about jobs that wait behind something: a job that starts at once teaches nothing. */
export function newPromises(snapshot: QueueSnapshot, { jobs }: Pick<QueueForecast, 'jobs'>): NewJobPromise[] {
  return snapshot.queued.flatMap(({ id, promised }) => {
    const forecast = promised ? undefined : jobs.get(id);
    if (forecast?.replayed === undefined || forecast.starts === undefined || forecast.replayed.seconds <= 0) return [];
    return [{ jobId: id, ...forecast.replayed, ...forecast.starts }];
  });
}
