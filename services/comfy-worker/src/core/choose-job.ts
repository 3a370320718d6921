import { mismatchOf } from '@atelier/queue/match-instance';
import { pickJob, type Pick, type PickRules } from '@atelier/queue/pick-job';
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

export interface Choice {
  pick: Pick;
  /** Expected GPU seconds: measured where this kind was run before, else the agent's guess. */
  expectedGpuSeconds: number;
  isMeasured: boolean;
}

/** How long a job that just came is left to a GPU that stands idle; then that one cannot, or may not, run it. */
const leftToIdleSeconds = 1;

/** The next job for this ComfyUI: the fair choice among the jobs that it can run. */
export function chooseJob(snapshot: QueueSnapshot, chooser: Chooser, rules: PickRules): Choice | undefined {
  const measured = new Map(snapshot.measured.map((entry) => [entry.estimateKey, entry.gpuSeconds]));
  const expected = (job: { estimateKey: string; estimatedGpuSeconds: number }): number =>
    measured.get(job.estimateKey) ?? job.estimatedGpuSeconds;
  const own = snapshot.instances.find((instance) => instance.id === chooser.instanceId);
  const offer = {
    classes: chooser.classes,
    models: chooser.models,
    vramGb: own?.vramGb ?? undefined,
    reservedFor: own?.reservedFor ?? undefined,
  };
  const leavesNewest = chooser.isBusy === true && anotherIsIdle(snapshot, chooser.instanceId);
  const runnable = new Set(
    snapshot.queued
      .filter((job) => mismatchOf(job, offer) === undefined && !(leavesNewest && job.waitedSeconds < leftToIdleSeconds))
      .map((job) => job.id),
  );
  const pick = pickJob(
    {
      waiting: snapshot.queued.map((job) => ({ ...job, gpuSeconds: expected(job) })),
      shares: new Map(snapshot.shares.map((share) => [share.personId, share])),
      floorGpuSeconds: snapshot.floorGpuSeconds,
      running: runningElsewhere(snapshot, chooser.instanceId),
      residentKey: own?.residentKey ?? undefined,
      residentSeconds: own?.residentSeconds,
      canRun: (job) => runnable.has(job.id),
    },
    rules,
  );
  if (pick === undefined) return undefined;
  const kind = snapshot.queued.find(({ id }) => id === pick.job.id)?.estimateKey;
  const isMeasured = kind !== undefined && measured.has(kind);
  return { pick, expectedGpuSeconds: pick.job.gpuSeconds, isMeasured };
}

/**
 * On how many other GPUs each person's jobs run or are next. What runs here will be over when the chosen job starts, and a
 * GPU runs one job at a time whatever waits behind it: so a person's cap is one of GPUs.
 */
function runningElsewhere(snapshot: QueueSnapshot, instanceId: string): Map<string, number> {
  const places = new Map<string, Set<string>>();
  for (const { personId, instanceId: place, state } of snapshot.active) {
    if (place === null || place === instanceId || state === 'storing') continue;
    const known = places.get(personId) ?? new Set();
    places.set(personId, known.add(place));
  }
  return new Map([...places].map(([personId, { size }]) => [personId, size]));
}

function anotherIsIdle(snapshot: QueueSnapshot, instanceId: string): boolean {
  const busy = new Set(snapshot.active.map((job) => job.instanceId));
  return snapshot.instances.some(
    ({ id, alive, paused, answers }) => id !== instanceId && alive && !paused && answers && !busy.has(id),
  );
}
