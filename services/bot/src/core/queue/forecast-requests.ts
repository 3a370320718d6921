import type { PlannedPick } from '@atelier/queue/explain-pick';
import type { JobForecast, SecondsRange } from '@atelier/queue/forecast-queue';
import { forecastSnapshot, type QueueKnowledge } from '@atelier/queue/forecast-snapshot';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { whyBlocked, type Blocked } from './why-blocked.ts';

/** Where a request stands, over all its unfinished jobs. */
export interface RequestForecast {
  /** Among the requests that wait, 1 is next; 0 when one of its jobs is on a GPU. People count neighbours, not pictures. */
  place: number;
  /** Of its first job; absent while no GPU that could run it takes work. In 80 of 100 cases between the two. */
  starts?: SecondsRange;
  /** Of its last job. */
  ends?: SecondsRange;
  /** What keeps its next job from every GPU. */
  blocked?: Blocked;
}

/** The queue, looked ahead. */
export interface QueueForecast {
  /** By request. */
  requests: ReadonlyMap<string, RequestForecast>;
  /** What lies before a waiting job and why: posted jobs, then picks, in the order in which they will start. */
  picks: readonly PlannedPick[];
  /** The next waiting job of a request. */
  nextJob: ReadonlyMap<string, string>;
  /** Jobs that wait: their forecasts, as they are to be kept. */
  jobs: ReadonlyMap<string, JobForecast>;
}

type QueuedJob = QueueSnapshot['queued'][number];

/** Replays the scheduler forward from the snapshot, over every GPU that takes work, and sums up by request. */
export function forecastRequests(snapshot: QueueSnapshot, knowledge: QueueKnowledge = {}): QueueForecast {
  const jobs = forecastSnapshot(snapshot, knowledge);
  const byRequest = new Map<string, { job: QueuedJob; forecast: JobForecast }[]>();
  for (const job of [...snapshot.active, ...snapshot.queued]) {
    const forecast = jobs.get(job.id);
    if (forecast === undefined) continue;
    const list = byRequest.get(job.requestId);
    if (list === undefined) byRequest.set(job.requestId, [{ job, forecast }]);
    else list.push({ job, forecast });
  }
  const ordered = [...byRequest].map(([requestId, list]) => ({
    requestId,
    list: list.toSorted((a, b) => a.forecast.position - b.forecast.position),
  }));
  ordered.sort((a, b) => (a.list[0]?.forecast.position ?? 0) - (b.list[0]?.forecast.position ?? 0));
  const requests = new Map<string, RequestForecast>();
  const nextJob = new Map<string, string>();
  let place = 0;
  for (const { requestId, list } of ordered) {
    const [first] = list;
    if (first === undefined) continue;
    const { position, starts } = first.forecast;
    if (position > 0) {
      place += 1;
      nextJob.set(requestId, first.job.id);
    }
    const ends = lastEnd(list.map(({ forecast }) => forecast));
    const blocked =
      starts === undefined && position > 0 ? whyBlocked(first.job, snapshot, knowledge.offers) : undefined;
    requests.set(requestId, {
      place: position === 0 ? 0 : place,
      ...(starts === undefined ? {} : { starts }),
      ...(ends === undefined ? {} : { ends }),
      ...(blocked === undefined ? {} : { blocked }),
    });
  }
  return { requests, nextJob, jobs, picks: picksOf(snapshot, jobs) };
}

function picksOf(snapshot: QueueSnapshot, jobs: ReadonlyMap<string, JobForecast>): PlannedPick[] {
  return [...snapshot.active, ...snapshot.queued]
    .flatMap(({ id, personId }) => {
      const forecast = jobs.get(id);
      if (forecast === undefined || forecast.position === 0) return [];
      return [{ id, personId, reason: forecast.reason ?? ('posted' as const), position: forecast.position }];
    })
    .toSorted((a, b) => a.position - b.position)
    .map(({ id, personId, reason }) => ({ id, personId, reason }));
}

function lastEnd(forecasts: readonly JobForecast[]): SecondsRange | undefined {
  return forecasts.reduce<SecondsRange | undefined>(
    (last, { ends }) => (ends !== undefined && (last === undefined || ends.high > last.high) ? ends : last),
    undefined,
  );
}
