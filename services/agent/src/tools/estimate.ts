import { listModels } from '@atelier/comfyui/registry/models';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { forecastSnapshot, type SnapshotJob } from '@atelier/queue/forecast-snapshot';
import type { NewJob } from '@atelier/shared/contracts/job';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { MeasuredTime } from '@atelier/shared/db/agent/measured-times';
import { guessVramGb } from '../core/guess-vram.ts';
import type { ToolContext } from './tool.ts';

/** What a run would take. */
export interface RunEstimate {
  /** On the GPU, for all its jobs. */
  gpuSeconds: { low: number; high: number };
  /** Past runs of exactly these settings behind it; 0 for a guess. */
  runs: number;
  /** Until the first job begins; absent while no GPU takes work. */
  waitSeconds: { low: number; high: number } | undefined;
  /** GPU memory of its largest job, in GiB, as its recipe says or by a guess; absent where neither is known. */
  vramGb: number | undefined;
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
  const memories = jobs.flatMap((job) => job.vramGb ?? guessVramGb(job) ?? []);
  return {
    gpuSeconds: { low: round(low), high: round(high) },
    runs: Number.isFinite(runs) ? runs : 0,
    waitSeconds: waitOf(queue, jobs[0], context),
    vramGb: memories.length === 0 ? undefined : Math.max(...memories),
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

/** Replays the queue forward with one more job, over the GPUs that may run it. */
function waitOf(
  snapshot: QueueSnapshot,
  job: NewJob | undefined,
  { catalog, requester }: Pick<ToolContext, 'catalog' | 'requester'>,
): RunEstimate['waitSeconds'] {
  if (job === undefined) return undefined;
  const { model = null, steps = null, pixels = null, loras = null } = job;
  const mine: SnapshotJob = {
    ...job,
    personId: requester.personId,
    seq: Math.max(0, ...snapshot.queued.map(({ seq }) => seq)) + 1,
    model,
    steps,
    pixels,
    loras,
    models: job.models ?? [],
    vramGb: job.vramGb ?? 0,
    priority: 0,
    waitedSeconds: 0,
  };
  const offers = new Map(catalog.registries.map((registry) => [registry.hash, offerOf(registry)]));
  const forecasts = forecastSnapshot({ ...snapshot, queued: [...snapshot.queued, mine] }, { offers });
  const starts = forecasts.get(job.id)?.starts;
  return starts === undefined ? undefined : { low: round(starts.low), high: round(starts.high) };
}

function offerOf(registry: Registry): { classes: Set<string>; models: Set<string> } {
  return {
    classes: new Set(registry.classes.keys()),
    models: new Set(
      [...listModels(registry).byFolder].flatMap(([folder, files]) => files.map(({ name }) => `${folder}/${name}`)),
    ),
  };
}

/** The estimate as a line. */
export function estimateWords(estimate: RunEstimate): string {
  const { gpuSeconds, runs, waitSeconds, vramGb } = estimate;
  const basis = runs > 0 ? `measured over ${runs} runs of these settings` : 'a guess; such settings never ran here';
  const wait =
    waitSeconds === undefined ? 'no GPU takes work now' : `starts in ${waitSeconds.low} to ${waitSeconds.high} s`;
  return `estimate: ${gpuSeconds.low} to ${gpuSeconds.high} GPU s (${basis}); ${wait}${vramGb === undefined ? '' : `; about ${vramGb} GiB of GPU memory by the family of its model`}`;
}
