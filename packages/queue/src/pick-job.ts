/** A job that waits, as far as the choice needs it. Times in seconds. */
export interface WaitingJob {
  id: string;
  personId: string;
  /** Order of arrival. */
  seq: number;
  class: 'interactive' | 'batch';
  /** What it keeps loaded on the GPU: checkpoint, LoRAs and recipe. */
  residencyKey: string;
  /** Expected GPU seconds. */
  gpuSeconds: number;
  waitedSeconds: number;
}

/** What a person was charged so far. */
export interface Share {
  chargedGpuSeconds: number;
  /** A person of weight 2 is due twice the GPU seconds. */
  weight: number;
}

export interface PickInput {
  waiting: readonly WaitingJob[];
  shares: ReadonlyMap<string, Share>;
  /** The queue's floor: see {@link Pick.floorGpuSeconds}. */
  floorGpuSeconds: number;
  /** Jobs on a GPU, by person. */
  running: ReadonlyMap<string, number>;
  /** What the GPU that asks holds after its last posted job; absent when unknown. */
  residentKey?: string | undefined;
}

export interface PickRules {
  /** Sticky window T: among people within this many weighted GPU seconds of the least served, what is loaded goes first. */
  stickySeconds: number;
  /** A batch job that waited this long goes ahead of interactive ones. */
  batchAheadSeconds: number;
  /** Jobs on all GPUs at most. */
  maxRunning: number;
  /** Of one person. */
  maxRunningPerPerson: number;
}

export const defaultPickRules: PickRules = {
  stickySeconds: 60,
  batchAheadSeconds: 900,
  maxRunning: 10,
  maxRunningPerPerson: 2,
};

export interface Pick {
  job: WaitingJob;
  /** Why this one. `least_served`: its person had the least; `resident`: also near the least, and its model is loaded. */
  reason: 'least_served' | 'resident' | 'batch_waited';
  /** The person's charge before this job, lifted to the floor: to be stored as this plus the job's expected seconds. */
  liftedGpuSeconds: number;
  /**
   * The least weighted charge among people with waiting work, never falling. Who returns after a while away is lifted
   * to it: the time away earns nothing, and costs nothing.
   */
  floorGpuSeconds: number;
}

/**
 * Chooses whose job goes next to the GPU: weighted fair shares by GPU seconds, sticky to what is loaded within
 * `stickySeconds`, interactive before batch. Pure; ties go to the earlier arrival, so a choice is a function of its input.
 *
 * @returns `undefined` when nothing waits or every cap is reached.
 */
export function pickJob(input: PickInput, rules: PickRules = defaultPickRules): Pick | undefined {
  const runningNow = input.running.values().reduce((sum, count) => sum + count, 0);
  if (runningNow >= rules.maxRunning) return undefined;
  const eligible = input.waiting.filter((job) => (input.running.get(job.personId) ?? 0) < rules.maxRunningPerPerson);
  if (eligible.length === 0) return undefined;

  const charge = (personId: string): number => {
    const share = input.shares.get(personId);
    return Math.max(share === undefined ? 0 : share.chargedGpuSeconds / share.weight, input.floorGpuSeconds);
  };
  const floorGpuSeconds = eligible.reduce((least, job) => Math.min(least, charge(job.personId)), Infinity);

  const waitedBatch = oldest(
    eligible.filter((job) => job.class === 'batch' && job.waitedSeconds >= rules.batchAheadSeconds),
  );
  const interactive = eligible.filter((job) => job.class === 'interactive');
  const candidates = waitedBatch !== undefined ? [waitedBatch] : interactive.length > 0 ? interactive : eligible;

  const least = candidates.reduce((lowest, job) => Math.min(lowest, charge(job.personId)), Infinity);
  const resident = candidates.filter(
    (job) => job.residencyKey === input.residentKey && charge(job.personId) <= least + rules.stickySeconds,
  );
  const leastServed = candidates.filter((job) => charge(job.personId) === least);
  const job = bestOf(resident.length > 0 ? resident : leastServed, charge);
  const weight = input.shares.get(job.personId)?.weight ?? 1;
  return {
    job,
    reason: waitedBatch !== undefined ? 'batch_waited' : resident.length > 0 ? 'resident' : 'least_served',
    liftedGpuSeconds: charge(job.personId) * weight,
    floorGpuSeconds,
  };
}

function oldest(jobs: readonly WaitingJob[]): WaitingJob | undefined {
  let found: WaitingJob | undefined;
  for (const job of jobs) if (found === undefined || job.seq < found.seq) found = job;
  return found;
}

/** The least served person's first, then the earliest. `jobs` is not empty. */
function bestOf(jobs: readonly WaitingJob[], charge: (personId: string) => number): WaitingJob {
  return jobs.reduce((best, job) => {
    const difference = charge(job.personId) - charge(best.personId);
    return difference < 0 || (difference === 0 && job.seq < best.seq) ? job : best;
  });
}
