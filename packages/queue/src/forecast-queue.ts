import { defaultPickRules, pickJob, type PickRules, type Share, type WaitingJob } from './pick-job.ts';

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
): Map<string, JobForecast> {
  const forecasts = new Map<string, JobForecast>();
  const range = (seconds: number): SecondsRange => ({
    low: seconds * rules.spread.low,
    high: seconds * rules.spread.high,
  });

  const gpus = input.instances.map((instance) => ({ id: instance.id, freeAt: 0, residentKey: instance.residentKey }));
  const running: { personId: string; endsAt: number }[] = [];
  for (const job of input.active) {
    const gpu = gpus.find((candidate) => candidate.id === job.instanceId);
    const left = Math.max(job.gpuSeconds - (job.ranSeconds ?? 0), 0.05 * job.gpuSeconds);
    const startsAt = gpu?.freeAt ?? 0;
    if (gpu !== undefined) {
      gpu.freeAt += left;
      gpu.residentKey = job.residencyKey;
    }
    running.push({ personId: job.personId, endsAt: startsAt + left });
    forecasts.set(job.id, {
      position: 0,
      ...(gpu === undefined ? {} : { starts: range(startsAt), ends: range(startsAt + left) }),
    });
  }

  const shares = new Map(input.shares);
  let floorGpuSeconds = input.floorGpuSeconds;
  let waiting = [...input.waiting];
  let position = 0;
  while (waiting.length > 0) {
    const gpu = gpus.reduce<(typeof gpus)[number] | undefined>(
      (first, candidate) => (first === undefined || candidate.freeAt < first.freeAt ? candidate : first),
      undefined,
    );
    const at = gpu?.freeAt ?? 0;
    const occupied = new Map<string, number>();
    for (const job of running) if (job.endsAt > at) occupied.set(job.personId, (occupied.get(job.personId) ?? 0) + 1);
    const pickInput = {
      waiting: waiting.map((job) => ({ ...job, waitedSeconds: job.waitedSeconds + at })),
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
    const { job } = pick;
    floorGpuSeconds = Math.max(floorGpuSeconds, pick.floorGpuSeconds);
    shares.set(job.personId, {
      weight: shares.get(job.personId)?.weight ?? 1,
      chargedGpuSeconds: pick.liftedGpuSeconds + job.gpuSeconds,
    });
    waiting = waiting.filter((other) => other.id !== job.id);
    if (gpu === undefined) {
      forecasts.set(job.id, { position });
      continue;
    }
    const seconds = job.gpuSeconds + (gpu.residentKey === job.residencyKey ? 0 : rules.swapSeconds);
    gpu.freeAt = at + seconds;
    gpu.residentKey = job.residencyKey;
    running.push({ personId: job.personId, endsAt: at + seconds });
    forecasts.set(job.id, { position, starts: range(at), ends: range(at + seconds) });
  }
  return forecasts;
}
