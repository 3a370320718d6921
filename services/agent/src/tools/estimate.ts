import { forecastQueue } from '@atelier/queue/forecast-queue';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { MeasuredTime } from '@atelier/shared/db/agent/measured-times';
import type { ToolContext } from './tool.ts';

/** What a run would take. */
export interface RunEstimate {
  /** On the GPU, for all its jobs. */
  gpuSeconds: { low: number; high: number };
  /** Past runs of exactly these settings behind it; 0 for a guess. */
  runs: number;
  /** Until the first job begins; absent while no GPU takes work. */
  waitSeconds: { low: number; high: number } | undefined;
  /** GPU memory that it needs, in GiB; 0 where nobody said. */
  vramGb: number;
}

/** How far guesses lie from the truth. */
const GUESS_SPREAD = { low: 0.5, high: 2 };
const MEASURED_SPREAD = { low: 0.85, high: 1.25 };

/** Estimates by what such jobs really took here, and by the queue as it stands. */
export async function estimateRun(jobs: readonly NewJob[], context: ToolContext): Promise<RunEstimate> {
  const models = [...new Set(jobs.flatMap(({ model }) => model ?? []))];
  const [queue, ...lists] = await Promise.all([
    context.reads.queue(),
    ...models.map((model) => context.reads.measuredTimes(model)),
  ]);
  const measured = new Map(models.map((model, index) => [model, lists[index] ?? []]));
  let low = 0;
  let high = 0;
  let runs = Number.POSITIVE_INFINITY;
  for (const job of jobs) {
    const match = exactTime(job, measured.get(job.model ?? '') ?? []);
    const spread = match === undefined ? GUESS_SPREAD : MEASURED_SPREAD;
    const seconds = match?.medianGpuSeconds ?? job.estimatedGpuSeconds;
    low += seconds * spread.low;
    high += seconds * spread.high;
    runs = Math.min(runs, match?.runs ?? 0);
  }
  return {
    gpuSeconds: { low: round(low), high: round(high) },
    runs: Number.isFinite(runs) ? runs : 0,
    waitSeconds: waitOf(queue, jobs[0], context.requester.personId),
    vramGb: Math.max(0, ...jobs.map(({ vramGb }) => vramGb ?? 0)),
  };
}

function exactTime(job: NewJob, times: readonly MeasuredTime[]): MeasuredTime | undefined {
  return times.find(
    (time) => time.images === job.images && time.steps === (job.steps ?? null) && time.pixels === (job.pixels ?? null),
  );
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}

/** Replays the queue forward with one more job. */
function waitOf(snapshot: QueueSnapshot, job: NewJob | undefined, personId: string): RunEstimate['waitSeconds'] {
  if (job === undefined) return undefined;
  const common = (queued: QueueSnapshot['queued'][number]) => ({
    id: queued.id,
    personId: queued.personId,
    residencyKey: queued.residencyKey,
    gpuSeconds: queued.estimatedGpuSeconds,
  });
  const waiting = snapshot.queued.map((queued) => ({
    ...common(queued),
    seq: queued.seq,
    class: queued.class,
    waitedSeconds: queued.waitedSeconds,
  }));
  const mine = {
    id: job.id,
    personId,
    residencyKey: job.residencyKey,
    gpuSeconds: job.estimatedGpuSeconds,
    seq: Math.max(0, ...waiting.map(({ seq }) => seq)) + 1,
    class: job.class,
    waitedSeconds: 0,
  };
  const forecasts = forecastQueue({
    waiting: [...waiting, mine],
    active: snapshot.active.map((active) => ({
      ...common(active),
      instanceId: active.instanceId,
      ranSeconds: active.ranSeconds,
    })),
    shares: new Map(
      snapshot.shares.map(({ personId: id, chargedGpuSeconds, weight }) => [id, { chargedGpuSeconds, weight }]),
    ),
    floorGpuSeconds: snapshot.floorGpuSeconds,
    instances: snapshot.instances
      .filter(({ alive, paused }) => alive && !paused)
      .map(({ id, residentKey }) => ({ id, residentKey })),
  });
  const starts = forecasts.get(job.id)?.starts;
  return starts === undefined ? undefined : { low: round(starts.low), high: round(starts.high) };
}

/** The estimate as a line. */
export function estimateWords(estimate: RunEstimate): string {
  const { gpuSeconds, runs, waitSeconds, vramGb } = estimate;
  const basis = runs > 0 ? `measured over ${runs} runs of these settings` : 'a guess; such settings never ran here';
  const wait =
    waitSeconds === undefined ? 'no GPU takes work now' : `starts in ${waitSeconds.low} to ${waitSeconds.high} s`;
  return `estimate: ${gpuSeconds.low} to ${gpuSeconds.high} GPU s (${basis}); ${wait}${vramGb > 0 ? `; needs ${vramGb} GiB of GPU memory` : ''}`;
}
