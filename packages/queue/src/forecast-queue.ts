import {
  checkpointOf,
  defaultPickRules,
  pickJob,
  type Pick,
  type PickReason,
  type PickRules,
  type Share,
  type WaitingJob,
} from './pick-job.ts';
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
  waiting: readonly WaitingJob[];
  active: readonly ActiveJob[];
  shares: ReadonlyMap<string, Share>;
  floorGpuSeconds: number;
  /** GPUs that take work; with none, nothing is promised. */
  instances: readonly ForecastInstance[];
  /** Whether this GPU can and may run a job; all can when absent. */
  canRun?: ((job: WaitingJob, instanceId: string) => boolean) | undefined;
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
  starts?: SecondsRange;
  ends?: SecondsRange;
  /** Why it will be picked when it is; absent where it was picked already. */
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
  /** What a prompt that is not ours is taken to need. */
  foreignSeconds: number;
}

export const defaultForecastRules: ForecastRules = {
  pick: defaultPickRules,
  swapSeconds: 5,
  spread: { low: 0.7, high: 1.4 },
  foreignSeconds: 30,
};

interface Gpu {
  id: string;
  freeAt: number;
  residentKey: string | null;
  residentSeconds: number;
}

interface Running {
  personId: string;
  endsAt: number;
}

/**
 * When each job will start and end, by replaying the real scheduler forward from now: the same {@link pickJob} that the
 * workers use, so the order shown is the order that will happen, as long as nobody else asks. Several GPUs pick as they become
 * free, each what it can run. What none of them can run comes last, without times.
 */
export function forecastQueue(
  input: ForecastInput,
  rules: ForecastRules = defaultForecastRules,
  knowledge: ForecastKnowledge = {},
): Map<string, JobForecast> {
  const forecasts = new Map<string, JobForecast>();
  const gpus = input.instances.map(({ id, residentKey, residentSeconds = 0, foreignPrompts = 0 }): Gpu => ({
    id,
    freeAt: foreignPrompts * rules.foreignSeconds,
    residentKey: foreignPrompts > 0 ? null : residentKey,
    residentSeconds,
  }));
  const started = forecastActive(input.active, gpus, rules, knowledge, forecasts);
  forecastWaiting(input, gpus, started, rules, knowledge, forecasts);
  return forecasts;
}

/** What GPUs hold already: first what runs, then what lies posted behind it. */
function forecastActive(
  active: readonly ActiveJob[],
  gpus: readonly Gpu[],
  rules: ForecastRules,
  { serviceTime }: ForecastKnowledge,
  forecasts: Map<string, JobForecast>,
): { running: Running[]; position: number } {
  const running: Running[] = [];
  const waitUntil = new Map<Gpu, SecondsRange>();
  let position = 0;
  for (const job of active.toSorted((a, b) => Number(a.ranSeconds === null) - Number(b.ranSeconds === null))) {
    const gpu = gpus.find((candidate) => candidate.id === job.instanceId);
    const service = serviceTime?.(job);
    const expected = service?.mean ?? job.gpuSeconds;
    const ran = job.ranSeconds ?? 0;
    const left = Math.max(expected - ran, 0.05 * expected);
    // What runs is not behind what others posted; that comes after it.
    const startsAt = job.ranSeconds === null ? (gpu?.freeAt ?? 0) : 0;
    running.push({ personId: job.personId, endsAt: startsAt + left });
    if (gpu === undefined) {
      forecasts.set(job.id, { position: 0 });
      continue;
    }
    const starts = (job.ranSeconds === null ? waitUntil.get(gpu) : undefined) ?? {
      low: startsAt * rules.spread.low,
      high: startsAt * rules.spread.high,
    };
    const ends = {
      low: starts.low + Math.min(left, Math.max(0, (service?.low ?? expected * rules.spread.low) - ran)),
      high: starts.high + Math.max(left, (service?.high ?? expected * rules.spread.high) - ran),
    };
    if (startsAt > 0) position += 1;
    forecasts.set(job.id, { position: startsAt > 0 ? position : 0, starts, ends });
    waitUntil.set(gpu, ends);
    gpu.freeAt += left;
    gpu.residentKey = job.residencyKey;
  }
  return { running, position };
}

function forecastWaiting(
  input: ForecastInput,
  gpus: readonly Gpu[],
  started: { running: Running[]; position: number },
  rules: ForecastRules,
  knowledge: ForecastKnowledge,
  forecasts: Map<string, JobForecast>,
): void {
  const shares = new Map(input.shares);
  const ownAhead = new Map<string, number>();
  const waiting = [...input.waiting];
  let { running, position } = started;
  let { floorGpuSeconds } = input;
  let open: readonly Gpu[] = gpus;

  const pickFor = (gpu: Gpu | undefined, occupied: ReadonlyMap<string, number>): Pick | undefined =>
    pickJob(
      {
        waiting,
        elapsedSeconds: gpu?.freeAt ?? 0,
        shares,
        floorGpuSeconds,
        residentKey: gpu?.residentKey ?? undefined,
        residentSeconds: gpu?.residentSeconds,
        running: occupied,
        ...(gpu === undefined || input.canRun === undefined
          ? {}
          : { canRun: (job: WaitingJob) => input.canRun?.(job, gpu.id) === true }),
      },
      rules.pick,
    );

  /** Takes a job off the queue and charges for it. */
  const take = ({ job, ...pick }: Pick, expected: number): void => {
    position += 1;
    floorGpuSeconds = Math.max(floorGpuSeconds, pick.floorGpuSeconds);
    shares.set(job.personId, {
      weight: shares.get(job.personId)?.weight ?? 1,
      chargedGpuSeconds: pick.liftedGpuSeconds + expected,
    });
    waiting.splice(waiting.indexOf(job), 1);
  };

  while (waiting.length > 0 && (knowledge.untilJobId === undefined || !forecasts.has(knowledge.untilJobId))) {
    const gpu = open.reduce<Gpu | undefined>(
      (first, candidate) => (first === undefined || candidate.freeAt < first.freeAt ? candidate : first),
      undefined,
    );
    if (gpu === undefined) {
      // Nobody can run the rest now; its order is still of interest.
      const pick = pickFor(undefined, new Map());
      if (pick === undefined) return;
      take(pick, pick.job.gpuSeconds);
      forecasts.set(pick.job.id, { position, reason: pick.reason });
      continue;
    }
    const at = gpu.freeAt;
    running = running.filter((job) => job.endsAt > at);
    const pick = pickFor(gpu, countByPerson(running));
    if (pick === undefined) {
      // Kept back by a cap until something ends, or there is nothing left that this GPU could run.
      const next = running.reduce((first, { endsAt }) => Math.min(first, endsAt), Infinity);
      if (next === Infinity) open = open.filter((other) => other !== gpu);
      else gpu.freeAt = next;
      continue;
    }
    const { job, reason } = pick;
    const service = knowledge.serviceTime?.(job);
    const expected = service?.mean ?? job.gpuSeconds;
    take(pick, expected);
    const ahead = ownAhead.get(job.personId) ?? 0;
    ownAhead.set(job.personId, ahead + 1);
    const swap = gpu.residentKey === job.residencyKey ? 0 : rules.swapSeconds;
    gpu.residentSeconds = (keepsCheckpoint(gpu.residentKey, job.residencyKey) ? gpu.residentSeconds : 0) + expected;
    gpu.freeAt = at + swap + expected;
    gpu.residentKey = job.residencyKey;
    running.push({ personId: job.personId, endsAt: gpu.freeAt });
    const replayed = { seconds: at, group: `own-${ownGroup(ahead)}` };
    const { low, high } =
      knowledge.calibration === undefined
        ? { low: at * rules.spread.low, high: at * rules.spread.high }
        : calibrateWait(knowledge.calibration, replayed);
    const ends = {
      low: low + (service?.low ?? expected * rules.spread.low),
      high: high + swap + (service?.high ?? expected * rules.spread.high),
    };
    forecasts.set(job.id, { position, reason, replayed, starts: { low, high }, ends });
  }
}

function keepsCheckpoint(residentKey: string | null, residencyKey: string): boolean {
  return residentKey !== null && checkpointOf(residentKey) === checkpointOf(residencyKey);
}

function countByPerson(running: readonly Running[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { personId } of running) counts.set(personId, (counts.get(personId) ?? 0) + 1);
  return counts;
}

/** Own jobs ahead, rounded down to 0, 1, 2, 4, 8, … 64. */
function ownGroup(ahead: number): number {
  return ahead === 0 ? 0 : 2 ** Math.min(6, Math.floor(Math.log2(ahead)));
}
