import { type ForecastInput, forecastQueue, type JobForecast, type SecondsRange } from '@atelier/queue/forecast-queue';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';

/** Where a request stands, over all its unfinished jobs. */
export interface RequestForecast {
  /** Among the requests that wait, 1 is next; 0 when one of its jobs is on a GPU. People count neighbours, not pictures. */
  place: number;
  /** Of its first job. Absent while no GPU takes work. */
  starts?: SecondsRange;
  /** Of its last job. */
  ends?: SecondsRange;
}

/** Replays the scheduler forward from the snapshot and sums up by request. */
export function forecastRequests(snapshot: QueueSnapshot): Map<string, RequestForecast> {
  const jobs = forecastQueue(forecastInputOf(snapshot));
  const byRequest = new Map<string, JobForecast[]>();
  for (const job of [...snapshot.active, ...snapshot.queued]) {
    const forecast = jobs.get(job.id);
    if (forecast === undefined) continue;
    const list = byRequest.get(job.requestId);
    if (list === undefined) byRequest.set(job.requestId, [forecast]);
    else list.push(forecast);
  }
  const ordered = [...byRequest].map(([requestId, list]) => ({
    requestId,
    list: list.toSorted((a, b) => a.position - b.position),
  }));
  ordered.sort((a, b) => (a.list[0]?.position ?? 0) - (b.list[0]?.position ?? 0));
  const result = new Map<string, RequestForecast>();
  let place = 0;
  for (const { requestId, list } of ordered) {
    const first = list[0];
    if (first === undefined) continue;
    if (first.position > 0) place += 1;
    const ends = lastEnd(list);
    result.set(requestId, {
      place: first.position === 0 ? 0 : place,
      ...(first.starts === undefined ? {} : { starts: first.starts }),
      ...(ends === undefined ? {} : { ends }),
    });
  }
  return result;
}

function lastEnd(forecasts: readonly JobForecast[]): SecondsRange | undefined {
  return forecasts.reduce<SecondsRange | undefined>(
    (last, { ends }) => (ends !== undefined && (last === undefined || ends.high > last.high) ? ends : last),
    undefined,
  );
}

/** Measured medians where there are any, the planner's guess otherwise. */
function forecastInputOf(snapshot: QueueSnapshot): ForecastInput {
  const measured = new Map(snapshot.measured.map((entry) => [entry.estimateKey, entry.gpuSeconds]));
  const common = (job: QueueSnapshot['queued'][number]) => ({
    id: job.id,
    personId: job.personId,
    residencyKey: job.residencyKey,
    gpuSeconds: measured.get(job.estimateKey) ?? job.estimatedGpuSeconds,
  });
  return {
    waiting: snapshot.queued.map((job) => ({
      ...common(job),
      seq: job.seq,
      class: job.class,
      waitedSeconds: job.waitedSeconds,
    })),
    active: snapshot.active.map((job) => ({
      ...common(job),
      instanceId: job.instanceId,
      ranSeconds: job.ranSeconds,
    })),
    shares: new Map(
      snapshot.shares.map(({ personId, chargedGpuSeconds, weight }) => [personId, { chargedGpuSeconds, weight }]),
    ),
    floorGpuSeconds: snapshot.floorGpuSeconds,
    instances: snapshot.instances
      .filter((instance) => instance.alive && !instance.paused)
      .map(({ id, residentKey }) => ({ id, residentKey })),
  };
}
