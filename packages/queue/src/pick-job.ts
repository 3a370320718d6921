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
  waitedSeconds: number;
  /** An operator's word, 0 when absent: while a higher one can be picked, no lower one is, whatever the shares and the class. */
  priority?: number | undefined;
}

/** A job with what it is expected to take. */
export interface TimedJob extends WaitingJob {
  /** Expected GPU seconds. */
  gpuSeconds: number;
}

/** What a person was charged so far. */
export interface Share {
  chargedGpuSeconds: number;
  /** A person of weight 2 is due twice the GPU seconds. */
  weight: number;
}

export interface PickInput<Job extends WaitingJob = WaitingJob> {
  waiting: readonly Job[];
  shares: ReadonlyMap<string, Share>;
  /** The queue's floor: see {@link QueuePick.floorGpuSeconds}. */
  floorGpuSeconds: number;
  /** Jobs on a GPU, by person. */
  running: ReadonlyMap<string, number>;
  /** GPUs at work; when absent, as many as there are jobs in `running`. */
  busyGpus?: number | undefined;
  /** What the GPU that asks holds after its last posted job; absent when unknown. */
  residentKey?: string | undefined;
  /** GPU seconds that it has run jobs with that loaded, one after the other. */
  residentSeconds?: number | undefined;
  /** Recipe of that last job; absent when unknown. */
  residentRecipe?: string | undefined;
  /**
   * Whether the worker that asks can and may run a job: its nodes, models, memory, and whom it is reserved for. All jobs
   * when absent. Jobs that it cannot run still hold the floor down, so that another worker finds their people's shares intact.
   */
  canRun?: ((job: Job) => boolean) | undefined;
  /** Nothing is picked while the queue or the worker is paused. */
  paused?: boolean | undefined;
  /** Added to every `waitedSeconds`: for a look ahead without copies of the jobs. */
  elapsedSeconds?: number | undefined;
}

export interface PickRules {
  /** Sticky window T: among people within this many weighted GPU seconds of the least served, what is loaded goes first. */
  stickySeconds: number;
  /**
   * What is loaded goes first for this many GPU seconds at a time: arrivals for a popular model never end, and would keep it
   * loaded for good. And once the least served has waited this long, the window is narrower.
   */
  patienceSeconds: number;
  /** What is then left of the sticky window, as a share. */
  impatientWindow: number;
  /** A batch job that waited this long is admitted beside interactive ones, and goes ahead of them within the sticky window. */
  batchAheadSeconds: number;
  /**
   * A job that waited this long without being one that could be picked holds the floor down no more: what no GPU can run, or an
   * operator put last, would keep it down for good, and who comes new would go before everybody else for hours.
   */
  holdsFloorSeconds: number;
  /** Jobs on all GPUs at most. */
  maxRunning: number;
  /** Of one person. */
  maxRunningPerPerson: number;
}

export const defaultPickRules: PickRules = {
  stickySeconds: 60,
  patienceSeconds: 1_200,
  impatientWindow: 0.75,
  batchAheadSeconds: 900,
  holdsFloorSeconds: 7_200,
  maxRunning: 10,
  maxRunningPerPerson: 2,
};

/**
 * `least_served`: its person had the least; `resident`: also near the least, and its model is loaded; `batch_waited`: a batch
 * job that waited long; `priority`: an operator put it before the others.
 */
export type PickReason = 'least_served' | 'resident' | 'batch_waited' | 'priority';

export interface QueuePick<Job extends WaitingJob = WaitingJob> {
  job: Job;
  /** Why this one. */
  reason: PickReason;
  /** The person's charge before this job, lifted to the floor: to be stored as this plus the job's expected seconds. */
  liftedGpuSeconds: number;
  /**
   * The least weighted charge among people with admitted waiting work, whether or not a cap holds them back or this GPU can run
   * it, for as long as `holdsFloorSeconds`; never falling. Who returns after a while away is lifted to it: the time away earns
   * nothing, and costs nothing.
   */
  floorGpuSeconds: number;
}

/** Between the names of a residency key. */
export const residencySeparator = ' + ';

interface Candidate<Job> {
  job: Job;
  charge: number;
  aged: boolean;
  /** 0: another checkpoint; 1: the same checkpoint, other LoRAs; 2: all loaded; 3: of the same recipe too. */
  affinity: number;
}

/**
 * Chooses whose job goes next to the GPU: weighted fair shares by GPU seconds. Among people within `stickySeconds` of the
 * least served, a batch job that waited long goes first, then what is loaded (for `patienceSeconds` at a time). Interactive
 * before batch otherwise. Pure, and linear in the waiting jobs; ties go to the earlier arrival, so a choice is a function of
 * its input.
 *
 * An operator's priority comes before all of that: the rules hold among the jobs of the highest priority that can be picked.
 *
 * Bound, among jobs of equal priority: nobody is picked whose weighted charge lies more than `stickySeconds` above that of an
 * eligible person of an admitted class. So the charges of two people who both wait never lie further apart than
 * `stickySeconds` plus the longest job (by weight). Batch work is under the same bound once admitted, so a pile of old batch
 * jobs cannot lock interactive people out.
 *
 * @returns `undefined` when nothing waits, the queue is paused, or every cap is reached.
 */
export function pickJob<Job extends WaitingJob>(
  input: PickInput<Job>,
  rules: PickRules = defaultPickRules,
): QueuePick<Job> | undefined {
  if (input.paused === true) return undefined;
  const busyGpus = input.busyGpus ?? input.running.values().reduce((sum, count) => sum + count, 0);
  if (busyGpus >= rules.maxRunning) return undefined;

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
  const residentKey = (input.residentSeconds ?? 0) < rules.patienceSeconds ? input.residentKey : undefined;
  const residentBase = checkpointOf(residentKey);
  const affinity = (job: WaitingJob): number => {
    let known = affinities.get(job.residencyKey);
    if (known === undefined) {
      known = affinityOf(job.residencyKey, residentKey, residentBase);
      affinities.set(job.residencyKey, known);
    }
    return known === 2 && input.residentRecipe !== undefined && job.recipe === input.residentRecipe ? 3 : known;
  };

  const admitted = admit(input, rules, charge);
  if (admitted.jobs.length === 0) return undefined;

  let least = Infinity;
  for (const job of admitted.jobs) least = Math.min(least, charge(job.personId));
  const window = stickyWindow(input, rules, least, admitted.jobs, charge);
  let best: Candidate<Job> | undefined;
  for (const job of admitted.jobs) {
    const own = charge(job.personId);
    if (own > least + window) continue;
    const aged = admitted.interactive && job.class === 'batch';
    const candidate = { job, charge: own, aged, affinity: affinity(job) };
    if (best === undefined || precedes(candidate, best)) best = candidate;
  }
  if (best === undefined) return undefined;
  const { job } = best;
  return {
    job,
    reason: reasonOf(best, admitted.raised),
    liftedGpuSeconds: best.charge * (input.shares.get(job.personId)?.weight ?? 1),
    floorGpuSeconds: Math.min(admitted.floorGpuSeconds, least),
  };
}

/** How far above the least served a person may be who goes before them: less once those have waited long. */
function stickyWindow(
  { elapsedSeconds = 0 }: Pick<PickInput, 'elapsedSeconds'>,
  { stickySeconds, patienceSeconds, impatientWindow }: PickRules,
  least: number,
  jobs: readonly WaitingJob[],
  charge: (personId: string) => number,
): number {
  const patienceEnded = jobs.some(
    (job) => job.waitedSeconds + elapsedSeconds > patienceSeconds && charge(job.personId) <= least,
  );
  return patienceEnded ? stickySeconds * impatientWindow : stickySeconds;
}

interface Admitted<Job> {
  /** Jobs that may be picked now. */
  jobs: Job[];
  /** Interactive work waits, so that every batch job among `jobs` is there because it waited long. */
  interactive: boolean;
  /** They go before others that could be picked as well. */
  raised: boolean;
  floorGpuSeconds: number;
}

function reasonOf(best: Candidate<WaitingJob>, raised: boolean): PickReason {
  if (raised) return 'priority';
  if (best.aged) return 'batch_waited';
  return best.affinity > 0 ? 'resident' : 'least_served';
}

/** The jobs of the highest priority whose class has its turn, and whose person may run one more. */
function admit<Job extends WaitingJob>(
  input: PickInput<Job>,
  rules: PickRules,
  charge: (personId: string) => number,
): Admitted<Job> {
  const elapsed = input.elapsedSeconds ?? 0;
  const agedAfter = rules.batchAheadSeconds - elapsed;
  const holdsUntil = rules.holdsFloorSeconds - elapsed;
  let foreground: Job[] = [];
  let background: Job[] = [];
  let interactive = false;
  let priority = -Infinity;
  let passedOver = false;
  let foregroundFloor = Infinity;
  let backgroundFloor = Infinity;
  for (const job of input.waiting) {
    const isForeground = job.class === 'interactive' || job.waitedSeconds >= agedAfter;
    if (job.waitedSeconds < holdsUntil) {
      if (isForeground) foregroundFloor = Math.min(foregroundFloor, charge(job.personId));
      else backgroundFloor = Math.min(backgroundFloor, charge(job.personId));
    }
    if ((input.running.get(job.personId) ?? 0) >= rules.maxRunningPerPerson) continue;
    if (input.canRun !== undefined && !input.canRun(job)) continue;
    const own = job.priority ?? 0;
    if (own < priority) {
      passedOver = true;
      continue;
    }
    if (own > priority) {
      passedOver ||= priority > -Infinity;
      priority = own;
      foreground = [];
      background = [];
      interactive = false;
    }
    if (job.class === 'interactive') interactive = true;
    (isForeground ? foreground : background).push(job);
  }
  const raised = passedOver && priority > 0;
  // Only batch work can be picked: then age decides nothing, or the oldest pile would go before its turn.
  if (!interactive) {
    return {
      jobs: foreground.length === 0 ? background : foreground.concat(background),
      interactive,
      raised,
      floorGpuSeconds: Math.min(foregroundFloor, backgroundFloor),
    };
  }
  return { jobs: foreground, interactive, raised, floorGpuSeconds: foregroundFloor };
}

/** Long-waiting batch first, then what is loaded, then the least served person, then the earliest. */
function precedes(a: Candidate<WaitingJob>, b: Candidate<WaitingJob>): boolean {
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

/** The first name of a residency key: what loads slowest. */
export function checkpointOf(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  const end = key.indexOf(residencySeparator);
  return end === -1 ? key : key.slice(0, end);
}
