import { defaultPickRules, pickJob, type PickReason, type PickRules, type Share, type WaitingJob } from './pick-job.ts';
import type { ServiceTime } from './service-times.ts';
import { calibrateWait, type WaitCalibration, type WaitForecast } from './wait-calibration.ts';

/** A job that a GPU holds already. */
export interface ActiveJob {
  id: string;
  personId: string;
  instanceId: string | null;
  residencyKey: string;
  gpuSeconds: number;
  /** Since it started to run; null before. */
  ranSeconds: number | null;
}

export interface ForecastInput {
  waiting: readonly WaitingJob[];
  active: readonly ActiveJob[];
  shares: ReadonlyMap<string, Share>;
  floorGpuSeconds: number;
  /** GPUs that take work; with none, nothing is promised. */
  instances: readonly { id: string; residentKey: string | null }[];
}

/** Seconds from now. */
export interface SecondsRange {
  low: number;
  high: number;
}

export interface JobForecast {
  /** 1 is next; 0 is on a GPU already. */
  position: number;
  /** Absent while no GPU takes work. */
  starts?: SecondsRange;
  ends?: SecondsRange;
  /** Why it will be picked when it is; absent on a GPU. */
  reason?: PickReason;
  /** The wait as replayed, to be kept and given to `recordWait` with what became of it. Absent where `starts` is. */
  replayed?: WaitForecast;
}

/** What was learned from earlier runs; all of it optional. */
export interface ForecastKnowledge {
  /** Of a job on a GPU; the job's own `gpuSeconds` decide where it is absent or says nothing. */
  serviceTime?: ((job: WaitingJob | ActiveJob) => ServiceTime | undefined) | undefined;
  /** Errors of earlier forecasts: waits are corrected by them and their ranges hold 80 %, in place of `spread`. */
  calibration?: WaitCalibration | undefined;
  /** Looks ahead no further than this job: what one person's question needs. */
  untilJobId?: string | undefined;
}

export interface ForecastRules {
  pick: PickRules;
  /** Expected seconds to load another model. */
  swapSeconds: number;
  /** How far the truth usually lies from the middle, as factors. */
  spread: SecondsRange;
}

export const defaultForecastRules: ForecastRules = {
  pick: defaultPickRules,
  swapSeconds: 5,
  spread: { low: 0.7, high: 1.4 },
};

/**
 * When each job will start and end, by replaying the real scheduler forward from now: the same {@link pickJob} that the
 * workers use, so the order shown is the order that will happen, as long as nobody else asks.
 */
export function forecastQueue(
  input: ForecastInput,
  rules: ForecastRules = defaultForecastRules,
  knowledge: ForecastKnowledge = {},
): Map<string, JobForecast> {
  const forecasts = new Map<string, JobForecast>();
  const { serviceTime, calibration } = knowledge;
  const spread = (seconds: number): SecondsRange => ({
    low: seconds * rules.spread.low,
    high: seconds * rules.spread.high,
  });

  const gpus = input.instances.map((instance) => ({ id: instance.id, freeAt: 0, residentKey: instance.residentKey }));
  let running: { personId: string; endsAt: number }[] = [];
  // What runs goes before what only lies posted behind it.
  for (const job of input.active.toSorted((a, b) => Number(a.ranSeconds === null) - Number(b.ranSeconds === null))) {
    const gpu = gpus.find((candidate) => candidate.id === job.instanceId);
    const expected = serviceTime?.(job)?.mean ?? job.gpuSeconds;
    const left = Math.max(expected - (job.ranSeconds ?? 0), 0.05 * expected);
    const startsAt = gpu?.freeAt ?? 0;
    if (gpu !== undefined) {
      gpu.freeAt += left;
      gpu.residentKey = job.residencyKey;
    }
    running.push({ personId: job.personId, endsAt: startsAt + left });
    forecasts.set(job.id, {
      position: 0,
      ...(gpu === undefined ? {} : { starts: spread(startsAt), ends: spread(startsAt + left) }),
    });
  }

  const shares = new Map(input.shares);
  const ownAhead = new Map<string, number>();
  let floorGpuSeconds = input.floorGpuSeconds;
  const waiting = [...input.waiting];
  let position = 0;
  while (waiting.length > 0 && (knowledge.untilJobId === undefined || !forecasts.has(knowledge.untilJobId))) {
    const gpu = gpus.reduce<(typeof gpus)[number] | undefined>(
      (first, candidate) => (first === undefined || candidate.freeAt < first.freeAt ? candidate : first),
      undefined,
    );
    const at = gpu?.freeAt ?? 0;
    running = running.filter((job) => job.endsAt > at);
    const occupied = new Map<string, number>();
    for (const job of running) occupied.set(job.personId, (occupied.get(job.personId) ?? 0) + 1);
    const pickInput = {
      waiting,
      elapsedSeconds: at,
      shares,
      floorGpuSeconds,
      residentKey: gpu?.residentKey ?? undefined,
    };
    // A cap that is reached now will not be when the GPU is free; past it, only the order is still of interest.
    const pick =
      pickJob({ ...pickInput, running: occupied }, rules.pick) ??
      pickJob({ ...pickInput, running: new Map() }, rules.pick);
    if (pick === undefined) break;
    position += 1;
    const { job, reason } = pick;
    const service = serviceTime?.(job);
    const expected = service?.mean ?? job.gpuSeconds;
    floorGpuSeconds = Math.max(floorGpuSeconds, pick.floorGpuSeconds);
    shares.set(job.personId, {
      weight: shares.get(job.personId)?.weight ?? 1,
      chargedGpuSeconds: pick.liftedGpuSeconds + expected,
    });
    waiting.splice(waiting.indexOf(job), 1);
    const ahead = ownAhead.get(job.personId) ?? 0;
    ownAhead.set(job.personId, ahead + 1);
    if (gpu === undefined) {
      forecasts.set(job.id, { position, reason });
      continue;
    }
    const swap = gpu.residentKey === job.residencyKey ? 0 : rules.swapSeconds;
    const endsAt = at + swap + expected;
    gpu.freeAt = endsAt;
    gpu.residentKey = job.residencyKey;
    running.push({ personId: job.personId, endsAt });
    const replayed = { seconds: at, group: `own-${ownGroup(ahead)}` };
    if (calibration === undefined) {
      forecasts.set(job.id, { position, reason, replayed, starts: spread(at), ends: spread(endsAt) });
      continue;
    }
    const { low, high } = calibrateWait(calibration, replayed);
    const ends = {
      low: low + (service?.low ?? expected * rules.spread.low),
      high: high + swap + (service?.high ?? expected * rules.spread.high),
    };
    forecasts.set(job.id, { position, reason, replayed, starts: { low, high }, ends });
  }
  return forecasts;
}

/** Own jobs ahead, rounded down to 0, 1, 2, 4, 8, … 64. */
function ownGroup(ahead: number): number {
  return ahead === 0 ? 0 : 2 ** Math.min(6, Math.floor(Math.log2(ahead)));
}
