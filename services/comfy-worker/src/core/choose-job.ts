import { pickJob, type Pick, type PickRules } from '@atelier/queue/pick-job';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';

export interface Chooser {
  instanceId: string;
  /** Node classes that this ComfyUI has. */
  classes: ReadonlySet<string>;
}

export interface Choice {
  pick: Pick;
  /** Expected GPU seconds: measured where this kind was run before, else the agent's guess. */
  expectedGpuSeconds: number;
}

/** The next job for this ComfyUI: the fair choice among the jobs that it can run. */
export function chooseJob(snapshot: QueueSnapshot, chooser: Chooser, rules: PickRules): Choice | undefined {
  const measured = new Map(snapshot.measured.map((entry) => [entry.estimateKey, entry.gpuSeconds]));
  const expected = (job: { estimateKey: string; estimatedGpuSeconds: number }): number =>
    measured.get(job.estimateKey) ?? job.estimatedGpuSeconds;
  const runnable = new Set(
    snapshot.queued.filter((job) => job.classes.every((name) => chooser.classes.has(name))).map((job) => job.id),
  );
  const running = new Map<string, number>();
  for (const job of snapshot.active) running.set(job.personId, (running.get(job.personId) ?? 0) + 1);
  const own = snapshot.instances.find((instance) => instance.id === chooser.instanceId);
  const pick = pickJob(
    {
      waiting: snapshot.queued.map((job) => ({ ...job, gpuSeconds: expected(job) })),
      shares: new Map(snapshot.shares.map((share) => [share.personId, share])),
      floorGpuSeconds: snapshot.floorGpuSeconds,
      running,
      residentKey: own?.residentKey ?? undefined,
      canRun: (job) => runnable.has(job.id),
    },
    rules,
  );
  return pick === undefined ? undefined : { pick, expectedGpuSeconds: pick.job.gpuSeconds };
}
