import { lineUp } from '@atelier/queue/line-up';
import { fits } from '@atelier/queue/match-instance';
import { pickJob, type PickInput, type PickRules, type QueuePick } from '@atelier/queue/pick-job';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';

export interface Chooser {
  instanceId: string;
  /** Node classes that this ComfyUI has. */
  classes: ReadonlySet<string>;
  /** Model files that its loaders list, as `folder/name`; absent: any may be there. */
  models?: ReadonlySet<string>;
  /** It has work already, and the chosen job would wait behind that: jobs are left to GPUs that stand idle, for a moment. */
  isBusy?: boolean;
}

type QueuedJob = QueueSnapshot['queued'][number];

export interface Choice {
  pick: QueuePick<QueuedJob>;
  /** Expected GPU seconds: measured where this kind was run before, else the agent's guess. */
  expectedGpuSeconds: number;
  isMeasured: boolean;
}

/** How long a job that just came is left to a GPU that stands idle; then that one cannot, or may not, run it. */
const leftToIdleSeconds = 1;

/** Choices that follow one another, and the queue as it is once they are committed. */
export interface Choices {
  choices: Choice[];
  after: QueueSnapshot;
}

/** The next job for this ComfyUI: the fair choice among the jobs that it can run. */
export function chooseJob(snapshot: QueueSnapshot, chooser: Chooser, rules: PickRules): Choice | undefined {
  return chooseJobs(snapshot, chooser, rules, () => false).choices[0];
}

/**
 * The next jobs for this ComfyUI, each the fair choice as if those before it were picked, for as long as `more` says so.
 */
export function chooseJobs(
  snapshot: QueueSnapshot,
  chooser: Chooser,
  rules: PickRules,
  more: (choices: readonly Choice[]) => boolean,
): Choices {
  const measured = new Map(snapshot.measured.map((entry) => [entry.estimateKey, entry.gpuSeconds]));
  const shares = new Map(snapshot.shares.map((share) => [share.personId, share]));
  const own = snapshot.instances.find((instance) => instance.id === chooser.instanceId);
  const elsewhere = runningElsewhere(snapshot, chooser.instanceId);
  const choices: Choice[] = [];
  const chosen = new Set<QueuedJob>();
  const waiting = (): QueuedJob[] => snapshot.queued.filter((job) => !chosen.has(job));
  let { floorGpuSeconds } = snapshot;
  let residentKey = own?.residentKey ?? null;
  let others = leftToOthers(snapshot, chooser, chooser.isBusy === true);
  const line = (jobs: readonly QueuedJob[]) =>
    lineUp(jobs, rules, (job) => (others.has(job.id) ? 'elsewhere' : 'here'));
  let lines = line(snapshot.queued);
  do {
    const pick = pickJob(
      {
        waiting: lines.firsts,
        shares,
        floorGpuSeconds,
        ...elsewhere,
        residentKey: residentKey ?? undefined,
        residentSeconds: own?.residentSeconds,
        canRun: (job) => !others.has(job.id),
        paused: own?.paused,
      },
      rules,
    );
    if (pick === undefined) break;
    const { job } = pick;
    const { personId } = job;
    const measuredGpuSeconds = measured.get(job.estimateKey);
    const expectedGpuSeconds = measuredGpuSeconds ?? job.estimatedGpuSeconds;
    choices.push({ pick, expectedGpuSeconds, isMeasured: measuredGpuSeconds !== undefined });
    chosen.add(job);
    lines.take(job);
    const weight = shares.get(personId)?.weight ?? 1;
    shares.set(personId, { personId, chargedGpuSeconds: pick.liftedGpuSeconds + expectedGpuSeconds, weight });
    floorGpuSeconds = Math.max(floorGpuSeconds, pick.floorGpuSeconds);
    residentKey = job.residencyKey;
    if (choices.length === 1 && chooser.isBusy !== true) {
      others = leftToOthers(snapshot, chooser, true);
      lines = line(waiting());
    }
  } while (more(choices));
  const after: QueueSnapshot = {
    ...snapshot,
    version: snapshot.version + choices.length,
    floorGpuSeconds,
    queued: waiting(),
    active: [...snapshot.active, ...choices.map(({ pick }) => activeJobOf(pick.job, chooser.instanceId))],
    shares: [...shares.values()],
    instances: snapshot.instances.map((instance) => (instance === own ? { ...instance, residentKey } : instance)),
  };
  return { choices, after };
}

function activeJobOf(job: QueuedJob, instanceId: string): QueueSnapshot['active'][number] {
  return { ...job, state: 'posting', instanceId, ranSeconds: null };
}

/** Ids of the jobs that this ComfyUI cannot or may not run, or leaves to one that stands idle. */
function leftToOthers(snapshot: QueueSnapshot, chooser: Chooser, isBusy: boolean): ReadonlySet<string> {
  const own = snapshot.instances.find((instance) => instance.id === chooser.instanceId);
  const offer = {
    classes: chooser.classes,
    models: chooser.models,
    vramGb: own?.vramGb ?? undefined,
    reservedFor: own?.reservedFor ?? undefined,
  };
  const leavesNewest = isBusy && anotherIsIdle(snapshot, chooser.instanceId);
  const left = new Set<string>();
  for (const job of snapshot.queued) {
    const isNew = leavesNewest && job.waitedSeconds < leftToIdleSeconds;
    if (isNew || !fits(job, offer)) left.add(job.id);
  }
  return left;
}

/**
 * How many other GPUs are at work, and on how many of them each person's jobs run or are next. What runs here will be over
 * when the chosen job starts, and a GPU runs one job at a time whatever waits behind it: so caps are caps of GPUs.
 */
function runningElsewhere(snapshot: QueueSnapshot, instanceId: string): Pick<PickInput, 'running' | 'busyGpus'> {
  const busy = new Set<string>();
  const places = new Map<string, Set<string>>();
  for (const { personId, instanceId: place, state } of snapshot.active) {
    if (place === null || place === instanceId || state === 'storing') continue;
    busy.add(place);
    const known = places.get(personId) ?? new Set();
    places.set(personId, known.add(place));
  }
  return { running: new Map([...places].map(([personId, { size }]) => [personId, size])), busyGpus: busy.size };
}

function anotherIsIdle(snapshot: QueueSnapshot, instanceId: string): boolean {
  const busy = new Set(snapshot.active.map((job) => job.instanceId));
  return snapshot.instances.some(
    ({ id, alive, paused, answers }) => id !== instanceId && alive && !paused && answers && !busy.has(id),
  );
}
