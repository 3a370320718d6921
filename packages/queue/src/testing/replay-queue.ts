import { defaultPickRules, pickJob, type QueuePick, type PickRules, type Share, type TimedJob } from '../pick-job.ts';

/** A job of a replay: `gpuSeconds` is what is expected, `actualSeconds` what it takes. `waitedSeconds` is minus its arrival. */
export interface ReplayJob extends TimedJob {
  arrivesAt: number;
  actualSeconds: number;
}

/** What a policy sees when a GPU is free. */
export interface ReplayState {
  now: number;
  waiting: readonly ReplayJob[];
  /** Jobs on GPUs, by person. */
  running: ReadonlyMap<string, number>;
  residentKey: string | undefined;
  /** GPU seconds that it has run jobs with that loaded, one after the other. */
  residentSeconds: number;
}

export interface ReplayPolicy {
  /** The next job, or nothing for now. */
  choose(state: ReplayState): ReplayJob | undefined;
  finished?(job: ReplayJob): void;
}

export interface ReplayStart {
  job: ReplayJob;
  startsAt: number;
  endsAt: number;
  gpu: number;
  swapped: boolean;
}

export interface ReplayOptions {
  gpus: number;
  swapSeconds: number;
  /** After each arrival, before anything is picked for it. */
  onArrival?(job: ReplayJob, state: ReplayState, gpus: readonly ReplayGpu[]): void;
  onStart?(start: ReplayStart, stillWaiting: readonly ReplayJob[]): void;
}

export interface ReplayGpu {
  job: ReplayJob | undefined;
  startedAt: number;
  endsAt: number;
  residentKey: string | undefined;
  residentSeconds: number;
}

/**
 * Runs jobs through a policy in virtual time.
 *
 * @param jobs by arrival.
 * @returns every start, in order. Jobs that the policy never chose are absent.
 */
export function replayQueue(jobs: readonly ReplayJob[], policy: ReplayPolicy, options: ReplayOptions): ReplayStart[] {
  const gpus = Array.from({ length: options.gpus }, (): ReplayGpu => ({
    job: undefined,
    startedAt: 0,
    endsAt: 0,
    residentKey: undefined,
    residentSeconds: 0,
  }));
  const running = new Map<string, number>();
  const waiting: ReplayJob[] = [];
  const starts: ReplayStart[] = [];
  let next = 0;
  for (;;) {
    const arrival = jobs[next]?.arrivesAt ?? Infinity;
    const finish = gpus.reduce((first, gpu) => (gpu.job === undefined ? first : Math.min(first, gpu.endsAt)), Infinity);
    const now = Math.min(arrival, finish);
    if (now === Infinity) return starts;
    for (const gpu of gpus) {
      if (gpu.job === undefined || gpu.endsAt > now) continue;
      running.set(gpu.job.personId, (running.get(gpu.job.personId) ?? 1) - 1);
      policy.finished?.(gpu.job);
      gpu.job = undefined;
    }
    for (let job = jobs[next]; job !== undefined && job.arrivesAt <= now; job = jobs[next]) {
      next += 1;
      waiting.push(job);
      options.onArrival?.(
        job,
        { now, waiting, running, residentKey: gpus[0]?.residentKey, residentSeconds: gpus[0]?.residentSeconds ?? 0 },
        gpus,
      );
    }
    for (const [index, gpu] of gpus.entries()) {
      if (gpu.job !== undefined || waiting.length === 0) continue;
      const job = policy.choose({
        now,
        waiting,
        running,
        residentKey: gpu.residentKey,
        residentSeconds: gpu.residentSeconds,
      });
      if (job === undefined) continue;
      waiting.splice(waiting.indexOf(job), 1);
      const swapped = gpu.residentKey !== job.residencyKey;
      gpu.job = job;
      gpu.startedAt = now;
      gpu.endsAt = now + job.actualSeconds + (swapped ? options.swapSeconds : 0);
      gpu.residentKey = job.residencyKey;
      gpu.residentSeconds = (swapped ? 0 : gpu.residentSeconds) + job.actualSeconds;
      running.set(job.personId, (running.get(job.personId) ?? 0) + 1);
      const start = { job, startsAt: now, endsAt: gpu.endsAt, gpu: index, swapped };
      starts.push(start);
      options.onStart?.(start, waiting);
    }
  }
}

/** {@link pickJob} with its accounts: charged at the pick, corrected at the finish. */
export interface FairPolicy extends ReplayPolicy {
  shares: Map<string, Share>;
  floorGpuSeconds(): number;
}

/** What can be looked at in a fair policy. */
export interface FairPolicyOptions {
  rules?: PickRules;
  weights?: ReadonlyMap<string, number>;
  /** Expected GPU seconds as of now, in place of those in the job. */
  expected?(job: ReplayJob): number;
  onPick?(pick: QueuePick, decisionMs: number): void;
}

export function createFairPolicy(options: FairPolicyOptions = {}): FairPolicy {
  const { rules = defaultPickRules, weights, expected = (job) => job.gpuSeconds } = options;
  const shares = new Map<string, Share>(
    [...(weights ?? [])].map(([personId, weight]) => [personId, { weight, chargedGpuSeconds: 0 }]),
  );
  const charged = new Map<string, number>();
  let floorGpuSeconds = 0;
  return {
    shares,
    floorGpuSeconds: () => floorGpuSeconds,
    choose(state) {
      const startedAt = performance.now();
      const pick = pickJob(
        {
          waiting: state.waiting,
          elapsedSeconds: state.now,
          shares,
          floorGpuSeconds,
          running: state.running,
          residentKey: state.residentKey,
          residentSeconds: state.residentSeconds,
        },
        rules,
      );
      if (pick === undefined) return undefined;
      options.onPick?.(pick, performance.now() - startedAt);
      floorGpuSeconds = Math.max(floorGpuSeconds, pick.floorGpuSeconds);
      const job = state.waiting.find((candidate) => candidate.id === pick.job.id);
      if (job === undefined) throw new Error(`${pick.job.id} was picked and does not wait`);
      const seconds = expected(job);
      charged.set(job.id, seconds);
      shares.set(job.personId, {
        weight: shares.get(job.personId)?.weight ?? 1,
        chargedGpuSeconds: pick.liftedGpuSeconds + seconds,
      });
      return job;
    },
    finished(job) {
      const share = shares.get(job.personId);
      if (share === undefined) return;
      const difference = job.actualSeconds - (charged.get(job.id) ?? 0);
      charged.delete(job.id);
      shares.set(job.personId, {
        weight: share.weight,
        chargedGpuSeconds: Math.max(0, share.chargedGpuSeconds + difference),
      });
    },
  };
}
