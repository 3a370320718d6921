import { lookAhead, type GpuAhead, type RunAhead } from './look-ahead.ts';
import { defaultPickRules, type PickReason, type PickRules, type Share, type TimedJob } from './pick-job.ts';
import type { ServiceTime } from './service-times.ts';
import {
  calibrateWaits,
  emptyWaitCalibration,
  type CalibratedWait,
  type WaitCalibration,
  type WaitConditions,
  type WaitForecast,
} from './wait-calibration.ts';

/** A job that a GPU holds already. */
export interface ActiveJob {
  id: string;
  personId: string;
  /** Null once it is off the GPU, and its outputs are being stored. */
  instanceId: string | null;
  residencyKey: string;
  gpuSeconds: number;
  /** Since it started to run; null before. */
  ranSeconds: number | null;
}

/** A GPU that takes work. */
export interface ForecastInstance {
  id: string;
  residentKey: string | null;
  /** GPU seconds that it has run jobs with that loaded, one after the other; 0 when absent. */
  residentSeconds?: number | undefined;
  /** Prompts in its ComfyUI that are not ours; they run first, and nobody knows for how long. */
  foreignPrompts?: number | undefined;
}

export interface ForecastInput {
  waiting: readonly TimedJob[];
  active: readonly ActiveJob[];
  shares: ReadonlyMap<string, Share>;
  floorGpuSeconds: number;
  /** GPUs that take work; with none, nothing is promised. */
  instances: readonly ForecastInstance[];
  /** See {@link WaitConditions}; quiet when absent. */
  loads?: readonly number[] | undefined;
  /** Whether this GPU can and may run a job; all can when absent. */
  canRun?: ((job: TimedJob, instanceId: string) => boolean) | undefined;
}

/** Seconds from now. */
export interface SecondsRange {
  low: number;
  high: number;
}

export interface JobForecast {
  /** 1 is next; 0 runs, or is the first to on its GPU. */
  position: number;
  /** Absent while no GPU that could run it takes work. */
  starts?: CalibratedWait;
  ends?: SecondsRange;
  /** Why it will be picked when it is; absent where it was picked already. */
  reason?: PickReason;
  /** The wait as replayed, to be kept and given to `recordWait` with what became of it. Absent where `starts` is. */
  replayed?: WaitForecast;
}

/** What was learned from earlier runs; all of it optional. */
export interface ForecastKnowledge {
  /** How far runs of a job's kind spread around its `gpuSeconds`; by `spread` where it is absent or says nothing. */
  serviceTime?: ((jobId: string) => Pick<ServiceTime, 'low' | 'high'> | undefined) | undefined;
  /** Errors of earlier forecasts: waits are corrected by them, and their ranges hold 80 %. */
  calibration?: WaitCalibration | undefined;
  /** Looks ahead no further than this job: what one person's question needs. */
  untilJobId?: string | undefined;
}

export interface ForecastRules {
  pick: PickRules;
  /** Expected seconds to load another model. */
  swapSeconds: number;
  /** How far runs usually lie from what is expected of them, as factors. */
  spread: SecondsRange;
  /** What a prompt that is not ours is taken to need. */
  foreignSeconds: number;
}

export const defaultForecastRules: ForecastRules = {
  pick: defaultPickRules,
  swapSeconds: 5,
  spread: { low: 0.7, high: 1.4 },
  foreignSeconds: 30,
};

/** When each job will start and end: what GPUs hold already, then a look ahead over what waits. */
export function forecastQueue(
  input: ForecastInput,
  rules: ForecastRules = defaultForecastRules,
  knowledge: ForecastKnowledge = {},
): Map<string, JobForecast> {
  const forecasts = new Map<string, JobForecast>();
  const gpus = input.instances.map(({ id, residentKey, residentSeconds = 0, foreignPrompts = 0 }): GpuAhead => ({
    id,
    freeAt: foreignPrompts * rules.foreignSeconds,
    residentKey: foreignPrompts > 0 ? null : residentKey,
    residentSeconds,
  }));
  const running = forecastActive(input.active, gpus, rules, knowledge, forecasts);
  const { calibration = emptyWaitCalibration, serviceTime, untilJobId } = knowledge;
  const conditions: WaitConditions = {
    people: new Set(input.waiting.map(({ personId }) => personId)).size,
    loads: input.loads ?? [],
  };
  const calibrated = calibrateWaits(calibration, conditions);
  let position = forecasts.values().reduce((last, forecast) => Math.max(last, forecast.position), 0);
  for (const { job, reason, startsAt, swapSeconds } of lookAhead({ ...input, gpus, running }, rules)) {
    position += 1;
    if (startsAt === undefined) {
      forecasts.set(job.id, { position, reason });
      continue;
    }
    const replayed = { seconds: startsAt, conditions };
    const starts = calibrated(startsAt);
    const service = serviceTime?.(job.id) ?? spreadOf(job.gpuSeconds, rules);
    const ends = { low: starts.low + service.low, high: starts.high + swapSeconds + service.high };
    forecasts.set(job.id, { position, reason, replayed, starts, ends });
    if (job.id === untilJobId) break;
  }
  return forecasts;
}

/** What GPUs hold already: first what runs, then what lies posted behind it. Moves the GPUs on to where they are free. */
function forecastActive(
  active: readonly ActiveJob[],
  gpus: readonly GpuAhead[],
  rules: ForecastRules,
  { serviceTime }: ForecastKnowledge,
  forecasts: Map<string, JobForecast>,
): RunAhead[] {
  const running: RunAhead[] = [];
  const freeAt = new Map(gpus.map((gpu) => [gpu, spreadOf(gpu.freeAt, rules)]));
  let position = 0;
  for (const job of active.toSorted((a, b) => Number(a.ranSeconds === null) - Number(b.ranSeconds === null))) {
    const { id, personId, instanceId, gpuSeconds, ranSeconds } = job;
    const gpu = gpus.find((one) => one.id === instanceId);
    const ran = ranSeconds ?? 0;
    const left = Math.max(gpuSeconds - ran, 0.05 * gpuSeconds);
    // What runs is not behind foreign prompts or what others posted; those come after it.
    const startsAt = ranSeconds === null ? (gpu?.freeAt ?? 0) : 0;
    if (instanceId !== null) running.push({ personId, startsAt, endsAt: startsAt + left });
    const free = gpu === undefined ? undefined : freeAt.get(gpu);
    if (gpu === undefined || free === undefined) {
      forecasts.set(id, { position: 0 });
      continue;
    }
    const starts = ranSeconds === null ? { ...free, middle: startsAt } : { low: 0, middle: 0, high: 0 };
    const service = serviceTime?.(id) ?? spreadOf(gpuSeconds, rules);
    const runs = {
      low: Math.min(left, Math.max(0, service.low - ran)),
      high: Math.max(left, service.high - ran),
    };
    if (startsAt > 0) position += 1;
    const ends = { low: starts.low + runs.low, high: starts.high + runs.high };
    forecasts.set(id, { position: startsAt > 0 ? position : 0, starts, ends });
    freeAt.set(gpu, { low: free.low + runs.low, high: free.high + runs.high });
    gpu.freeAt += left;
    gpu.residentKey = job.residencyKey;
  }
  return running;
}

function spreadOf(seconds: number, { spread }: ForecastRules): SecondsRange {
  return { low: seconds * spread.low, high: seconds * spread.high };
}
