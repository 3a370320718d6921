/** A job that waits, as far as the choice needs it. Times in seconds. */
export interface WaitingJob {
  id: string;
  personId: string;
  /** Order of arrival. */
  seq: number;
  class: 'interactive' | 'batch';
  /** What it keeps loaded on the GPU: the checkpoint first, then what patches it, joined by {@link residencySeparator}. */
  residencyKey: string;
  /** Decides between jobs of the same residency: a GPU has the rest of a recipe (text encoder, upscaler) loaded too. */
  recipe?: string | undefined;
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
  /** Recipe of that last job; absent when unknown. */
  residentRecipe?: string | undefined;
  /**
   * Whether the worker that asks can and may run a job: its nodes, models, memory, and whom it is reserved for. All jobs
   * when absent. Jobs that it cannot run still hold the floor down, so that another worker finds their people's shares intact.
   */
  canRun?: ((job: WaitingJob) => boolean) | undefined;
  /** Nothing is picked while the queue or the worker is paused. */
  paused?: boolean | undefined;
  /** Added to every `waitedSeconds`: for a look ahead without copies of the jobs. */
  elapsedSeconds?: number | undefined;
}

export interface PickRules {
  /** Sticky window T: among people within this many weighted GPU seconds of the least served, what is loaded goes first. */
  stickySeconds: number;
  /** A batch job that waited this long is admitted beside interactive ones, and goes ahead of them within the sticky window. */
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

/** `least_served`: its person had the least; `resident`: also near the least, and its model is loaded; `batch_waited`: a batch job that waited long. */
export type PickReason = 'least_served' | 'resident' | 'batch_waited';

export interface Pick {
  job: WaitingJob;
  /** Why this one. */
  reason: PickReason;
  /** The person's charge before this job, lifted to the floor: to be stored as this plus the job's expected seconds. */
  liftedGpuSeconds: number;
  /**
   * The least weighted charge among people with admitted waiting work, whether or not a cap holds them back; never falling. Who
   * returns after a while away is lifted to it: the time away earns nothing, and costs nothing.
   */
  floorGpuSeconds: number;
}

/** Between the names of a residency key. */
export const residencySeparator = ' + ';

interface Candidate {
  job: WaitingJob;
  charge: number;
  aged: boolean;
  /** 0: another checkpoint; 1: the same checkpoint, other LoRAs; 2: all loaded; 3: of the same recipe too. */
  affinity: number;
}

/**
 * Chooses whose job goes next to the GPU: weighted fair shares by GPU seconds. Among people within `stickySeconds` of the
 * least served, a batch job that waited long goes first, then what is loaded. Interactive before batch otherwise. Pure, and
 * linear in the waiting jobs; ties go to the earlier arrival, so a choice is a function of its input.
 *
 * Bound: nobody is picked whose weighted charge lies more than `stickySeconds` above that of an eligible person of an admitted class. So
 * the charges of two people who both wait never lie further apart than `stickySeconds` plus the longest job (by weight).
 * Batch work is under the same bound once admitted, so a pile of old batch jobs cannot lock interactive people out.
 *
 * @returns `undefined` when nothing waits, the queue is paused, or every cap is reached.
 */
export function pickJob(input: PickInput, rules: PickRules = defaultPickRules): Pick | undefined {
  if (input.paused === true) return undefined;
  const runningNow = input.running.values().reduce((sum, count) => sum + count, 0);
  if (runningNow >= rules.maxRunning) return undefined;

  const charges = new Map<string, number>();
  const charge = (personId: string): number => {
    const known = charges.get(personId);
    if (known !== undefined) return known;
    const share = input.shares.get(personId);
    const found = Math.max(share === undefined ? 0 : share.chargedGpuSeconds / share.weight, input.floorGpuSeconds);
    charges.set(personId, found);
    return found;
  };
  const affinities = new Map<string, number>();
  const residentBase = checkpointOf(input.residentKey);
  const affinity = (job: WaitingJob): number => {
    let known = affinities.get(job.residencyKey);
    if (known === undefined) {
      known = affinityOf(job.residencyKey, input.residentKey, residentBase);
      affinities.set(job.residencyKey, known);
    }
    return known === 2 && input.residentRecipe !== undefined && job.recipe === input.residentRecipe ? 3 : known;
  };

  const agedAfter = rules.batchAheadSeconds - (input.elapsedSeconds ?? 0);
  const admitted = admit(input, rules, charge, agedAfter);
  if (admitted.jobs.length === 0) return undefined;

  let least = Infinity;
  for (const job of admitted.jobs) least = Math.min(least, charge(job.personId));
  let best: Candidate | undefined;
  for (const job of admitted.jobs) {
    const own = charge(job.personId);
    if (own > least + rules.stickySeconds) continue;
    const aged = admitted.interactive && job.class === 'batch';
    const candidate = { job, charge: own, aged, affinity: affinity(job) };
    if (best === undefined || precedes(candidate, best)) best = candidate;
  }
  if (best === undefined) return undefined;
  const { job } = best;
  return {
    job,
    reason: best.aged ? 'batch_waited' : best.affinity > 0 ? 'resident' : 'least_served',
    liftedGpuSeconds: best.charge * (input.shares.get(job.personId)?.weight ?? 1),
    floorGpuSeconds: admitted.floorGpuSeconds,
  };
}

interface Admitted {
  /** Jobs that may be picked now. */
  jobs: WaitingJob[];
  /** Interactive work waits, so that every batch job among `jobs` is there because it waited long. */
  interactive: boolean;
  floorGpuSeconds: number;
}

/** The jobs whose class has its turn, and whose person may run one more. */
function admit(input: PickInput, rules: PickRules, charge: (personId: string) => number, agedAfter: number): Admitted {
  const foreground: WaitingJob[] = [];
  const background: WaitingJob[] = [];
  let interactive = false;
  let foregroundFloor = Infinity;
  let backgroundFloor = Infinity;
  for (const job of input.waiting) {
    const isForeground = job.class === 'interactive' || job.waitedSeconds >= agedAfter;
    if (isForeground) foregroundFloor = Math.min(foregroundFloor, charge(job.personId));
    else backgroundFloor = Math.min(backgroundFloor, charge(job.personId));
    if ((input.running.get(job.personId) ?? 0) >= rules.maxRunningPerPerson) continue;
    if (input.canRun !== undefined && !input.canRun(job)) continue;
    if (job.class === 'interactive') interactive = true;
    (isForeground ? foreground : background).push(job);
  }
  // Only batch work can be picked: then age decides nothing, or the oldest pile would go before its turn.
  if (!interactive) {
    return {
      jobs: foreground.length === 0 ? background : foreground.concat(background),
      interactive,
      floorGpuSeconds: Math.min(foregroundFloor, backgroundFloor),
    };
  }
  return { jobs: foreground, interactive, floorGpuSeconds: foregroundFloor };
}

/** Long-waiting batch first, then what is loaded, then the least served person, then the earliest. */
function precedes(a: Candidate, b: Candidate): boolean {
  if (a.aged !== b.aged) return a.aged;
  if (a.affinity !== b.affinity) return a.affinity > b.affinity;
  if (a.charge !== b.charge) return a.charge < b.charge;
  return a.job.seq < b.job.seq;
}

function affinityOf(key: string, residentKey: string | undefined, residentBase: string | undefined): number {
  if (residentKey === undefined) return 0;
  if (key === residentKey) return 2;
  return residentBase !== undefined && checkpointOf(key) === residentBase ? 1 : 0;
}

function checkpointOf(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  const end = key.indexOf(residencySeparator);
  return end === -1 ? key : key.slice(0, end);
}
