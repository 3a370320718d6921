import type { JobForecast, SecondsRange } from '@atelier/queue/forecast-queue';
import { forecastSnapshot, type QueueKnowledge } from '@atelier/queue/forecast-snapshot';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { Waiting } from '../jobs/job-view.ts';

/** The queue as of one look. */
export interface QueueView {
  /** By request. */
  waiting: ReadonlyMap<string, Waiting>;
  queuedJobs: number;
  runningJobs: number;
  /** GPUs that take work, and all that were ever served. */
  gpus: { alive: number; paused: number; total: number };
}

export const emptyQueueView: QueueView = {
  waiting: new Map(),
  queuedJobs: 0,
  runningJobs: 0,
  gpus: { alive: 0, paused: 0, total: 0 },
};

/** A job that nobody has asked for yet, for an estimate. */
export interface ImaginedJob {
  personId: string;
  gpuSeconds: number;
  residencyKey: string;
}

/** Before anything was measured or planned: a picture of 1024 pixels on a mid-range GPU. */
export const guessedGpuSeconds = 12;

const imaginedId = 'imagined';

/** Replays the scheduler forward and sums up by request. */
export function forecastRequests(snapshot: QueueSnapshot, knowledge: QueueKnowledge = {}): QueueView {
  const forecasts = forecastSnapshot(snapshot, knowledge);
  const byRequest = new Map<string, JobForecast[]>();
  for (const job of [...snapshot.active, ...snapshot.queued]) {
    const forecast = forecasts.get(job.id);
    if (forecast === undefined) continue;
    const list = byRequest.get(job.requestId);
    if (list === undefined) byRequest.set(job.requestId, [forecast]);
    else list.push(forecast);
  }
  const ordered = [...byRequest]
    .map(([id, list]) => ({ id, list: list.toSorted((a, b) => a.position - b.position) }))
    .toSorted((a, b) => (a.list[0]?.position ?? 0) - (b.list[0]?.position ?? 0));
  const waiting = new Map<string, Waiting>();
  let place = 0;
  for (const [ahead, { id, list }] of ordered.entries()) {
    const [first] = list;
    if (first === undefined) continue;
    if (first.position > 0) place += 1;
    const ends = list.flatMap((forecast) => forecast.ends ?? []).toSorted((a, b) => b.high - a.high)[0];
    waiting.set(id, {
      position: first.position === 0 ? 0 : place,
      ahead,
      ...(first.starts === undefined ? {} : { startsInSeconds: rounded(first.starts) }),
      ...(ends === undefined ? {} : { endsInSeconds: rounded(ends) }),
    });
  }
  const usable = snapshot.instances.filter(({ alive, paused, answers }) => alive && answers && !paused);
  return {
    waiting,
    queuedJobs: snapshot.queued.length,
    runningJobs: snapshot.active.length,
    gpus: {
      alive: usable.length,
      paused: snapshot.instances.filter((instance) => instance.alive && instance.paused).length,
      total: snapshot.instances.length,
    },
  };
}

/** Where a job of this size would stand if it were asked for now. */
export function forecastImagined(
  snapshot: QueueSnapshot,
  job: ImaginedJob,
  knowledge: QueueKnowledge = {},
): Waiting | undefined {
  const seq = snapshot.queued.reduce((last, queued) => Math.max(last, queued.seq), 0) + 1;
  const imagined = {
    id: imaginedId,
    seq,
    personId: job.personId,
    class: 'interactive' as const,
    residencyKey: job.residencyKey,
    estimateKey: '',
    estimatedGpuSeconds: job.gpuSeconds,
    waitedSeconds: 0,
    priority: 0,
    classes: [],
    models: [],
    vramGb: 0,
    model: null,
    steps: null,
    pixels: null,
    images: 1,
    loras: null,
  };
  const facts = { ...snapshot, queued: [...snapshot.queued, imagined] };
  const forecast = forecastSnapshot(facts, { ...knowledge, untilJobId: imaginedId }).get(imaginedId);
  if (forecast === undefined) return undefined;
  return {
    position: forecast.position,
    ahead: Math.max(0, forecast.position - 1),
    ...(forecast.starts === undefined ? {} : { startsInSeconds: rounded(forecast.starts) }),
    ...(forecast.ends === undefined ? {} : { endsInSeconds: rounded(forecast.ends) }),
  };
}

/** To a tenth of a second: more would be made up. */
function rounded({ low, high }: SecondsRange): SecondsRange {
  return { low: Math.round(low * 10) / 10, high: Math.round(high * 10) / 10 };
}
