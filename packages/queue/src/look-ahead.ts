import { lineUp } from './line-up.ts';
import {
  checkpointOf,
  pickJob,
  type QueuePick,
  type PickReason,
  type PickRules,
  type Share,
  type TimedJob,
} from './pick-job.ts';

/** A GPU that takes work, as it will be when it is free. */
export interface GpuAhead {
  id: string;
  /** Seconds from now. */
  freeAt: number;
  residentKey: string | null;
  /** GPU seconds that it has run jobs with that loaded, one after the other. */
  residentSeconds: number;
}

/** A run that is picked already. Seconds from now. */
export interface RunAhead {
  personId: string;
  startsAt: number;
  endsAt: number;
}

export interface LookAheadInput {
  waiting: readonly TimedJob[];
  running: readonly RunAhead[];
  gpus: readonly GpuAhead[];
  shares: ReadonlyMap<string, Share>;
  floorGpuSeconds: number;
  /** Whether this GPU can and may run a job; all can when absent. */
  canRun?: ((job: TimedJob, gpuId: string) => boolean) | undefined;
}

export interface LookAheadRules {
  pick: PickRules;
  /** Expected seconds to load another model. */
  swapSeconds: number;
}

/** A pick to come. */
export interface StartAhead {
  job: TimedJob;
  reason: PickReason;
  /** Seconds from now; absent where no GPU can run it. */
  startsAt?: number;
  /** Seconds of its run in which its model is loaded. */
  swapSeconds: number;
}

/**
 * Replays the real scheduler forward, pick by pick: the same {@link pickJob} that the workers use, so the order is the one that
 * will happen as long as nobody else asks and runs take what is expected. Several GPUs pick as they become free, each what it
 * can run. What no GPU can run comes last, without a time.
 */
export function* lookAhead(input: LookAheadInput, rules: LookAheadRules): Generator<StartAhead, void> {
  const shares = new Map(input.shares);
  const runsOn = placesOf(input);
  const lines = lineUp(input.waiting, rules.pick, (job) => [...(runsOn.get(job) ?? [])].join('\n'));
  let gpus = input.gpus.map((gpu) => ({ ...gpu }));
  let { running, floorGpuSeconds } = input;

  function pickFor(gpu: GpuAhead | undefined): QueuePick<TimedJob> | undefined {
    const pick = pickJob(
      {
        waiting: lines.firsts,
        shares,
        floorGpuSeconds,
        running: countByPerson(running, gpu?.freeAt ?? 0),
        residentKey: gpu?.residentKey ?? undefined,
        residentSeconds: gpu?.residentSeconds,
        elapsedSeconds: gpu?.freeAt,
        canRun: gpu === undefined ? undefined : (job) => runsOn.get(job)?.has(gpu.id) === true,
      },
      rules.pick,
    );
    if (pick === undefined) return undefined;
    const { job } = pick;
    floorGpuSeconds = Math.max(floorGpuSeconds, pick.floorGpuSeconds);
    const weight = shares.get(job.personId)?.weight ?? 1;
    shares.set(job.personId, { weight, chargedGpuSeconds: pick.liftedGpuSeconds + job.gpuSeconds });
    lines.take(job);
    return pick;
  }

  for (let gpu = soonestFree(gpus); gpu !== undefined && lines.firsts.length > 0; gpu = soonestFree(gpus)) {
    const now = gpu.freeAt;
    running = running.filter(({ endsAt }) => endsAt > now);
    const pick = pickFor(gpu);
    if (pick === undefined) {
      // Kept back by a cap until something ends, or there is nothing left that it could run.
      const until = running.reduce((first, { endsAt }) => Math.min(first, endsAt), Infinity);
      if (until === Infinity) gpus = gpus.filter((other) => other !== gpu);
      else gpu.freeAt = until;
      continue;
    }
    const { job, reason } = pick;
    const swapSeconds = gpu.residentKey === job.residencyKey ? 0 : rules.swapSeconds;
    const keepsCheckpoint = checkpointOf(gpu.residentKey ?? undefined) === checkpointOf(job.residencyKey);
    gpu.residentSeconds = (keepsCheckpoint ? gpu.residentSeconds : 0) + job.gpuSeconds;
    gpu.residentKey = job.residencyKey;
    gpu.freeAt = now + swapSeconds + job.gpuSeconds;
    running = [...running, { personId: job.personId, startsAt: now, endsAt: gpu.freeAt }];
    yield { job, reason, startsAt: now, swapSeconds };
  }
  running = [];
  for (let pick = pickFor(undefined); pick !== undefined; pick = pickFor(undefined)) {
    yield { job: pick.job, reason: pick.reason, swapSeconds: 0 };
  }
}

/** The GPUs that can run each job. */
function placesOf({ waiting, gpus, canRun }: LookAheadInput): ReadonlyMap<TimedJob, ReadonlySet<string>> {
  return new Map(
    waiting.map((job) => [job, new Set(gpus.flatMap(({ id }) => (canRun?.(job, id) === false ? [] : [id])))]),
  );
}

function soonestFree<T extends GpuAhead>(gpus: readonly T[]): T | undefined {
  return gpus.reduce<T | undefined>(
    (first, gpu) => (first === undefined || gpu.freeAt < first.freeAt ? gpu : first),
    undefined,
  );
}

/** Of each person, what runs at a time; what only lies posted behind another run does not. */
function countByPerson(running: readonly RunAhead[], now: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { personId, startsAt } of running) {
    if (startsAt <= now) counts.set(personId, (counts.get(personId) ?? 0) + 1);
  }
  return counts;
}
