import { defaultForecastRules, forecastQueue, type JobForecast } from './forecast-queue.ts';
import { mismatchOf, type InstanceOffer, type JobNeeds } from './match-instance.ts';
import type { PickRules } from './pick-job.ts';
import { recentLoads } from './recent-loads.ts';
import type { RunFeatures, RunLessons } from './run-lessons.ts';

/** A waiting job as of one instant. */
export interface SnapshotJob extends JobNeeds, RunFeatures {
  id: string;
  personId: string;
  seq: number;
  class: 'interactive' | 'batch';
  residencyKey: string;
  estimateKey: string;
  waitedSeconds: number;
  priority: number;
}

export interface SnapshotInstance {
  id: string;
  alive: boolean;
  paused: boolean;
  /** Its ComfyUI answered at the last look. */
  answers: boolean;
  residentKey: string | null;
  residentSeconds: number;
  registryHash: string | null;
  /** GiB; null until its worker said so. */
  vramGb: number | null;
  reservedFor: readonly string[] | null;
  foreignPrompts: number;
}

/** The queue as of one instant: what waits, what GPUs hold, who used how much. */
export interface QueueFacts {
  /** Seconds since 1970, by the clock of all times here. */
  at: number;
  floorGpuSeconds: number;
  queued: readonly SnapshotJob[];
  /** Their `waitedSeconds` end with their start. */
  active: readonly (SnapshotJob & { state: string; instanceId: string | null; ranSeconds: number | null })[];
  shares: readonly { personId: string; chargedGpuSeconds: number; weight: number }[];
  instances: readonly SnapshotInstance[];
  /** Median GPU seconds of earlier runs, by estimate key. */
  measured: readonly { estimateKey: string; gpuSeconds: number }[];
}

/** What registries offer, by their hash. */
export type RegistryOffers = ReadonlyMap<string, Pick<InstanceOffer, 'classes' | 'models'>>;

/** What the forecast knows besides the queue. */
export interface QueueKnowledge {
  lessons?: Pick<RunLessons, 'serviceTime' | 'calibration' | 'recentRuns'> | undefined;
  /** What registries offer, by hash; one that is absent excludes nothing. */
  offers?: RegistryOffers | undefined;
  /** The workers' rules. */
  rules?: PickRules | undefined;
  /** Looks ahead no further than this job. */
  untilJobId?: string | undefined;
}

/** What an instance is known to have; a registry that is not known excludes nothing. */
export function instanceOffer(
  instance: Pick<SnapshotInstance, 'registryHash' | 'vramGb' | 'reservedFor'>,
  offers: RegistryOffers | undefined,
): InstanceOffer {
  return {
    ...(instance.registryHash === null ? {} : offers?.get(instance.registryHash)),
    vramGb: instance.vramGb ?? undefined,
    reservedFor: instance.reservedFor ?? undefined,
  };
}

/**
 * {@link forecastQueue} from the rows of a queue. Run times: rolling quantiles where the job says what it is, else measured
 * medians, else the planner's guess.
 */
export function forecastSnapshot(snapshot: QueueFacts, knowledge: QueueKnowledge = {}): Map<string, JobForecast> {
  const { lessons, offers } = knowledge;
  const open = new Map<string, SnapshotJob>([...snapshot.active, ...snapshot.queued].map((job) => [job.id, job]));
  const times = new Map([...open.values()].map((job) => [job.id, lessons?.serviceTime(job)]));
  const measured = new Map(snapshot.measured.map((entry) => [entry.estimateKey, entry.gpuSeconds]));
  const common = (job: SnapshotJob) => ({
    id: job.id,
    personId: job.personId,
    residencyKey: job.residencyKey,
    gpuSeconds: times.get(job.id)?.mean ?? measured.get(job.estimateKey) ?? job.estimatedGpuSeconds,
  });
  const takingWork = snapshot.instances.filter(({ alive, paused, answers }) => alive && !paused && answers);
  const offerOf = new Map(takingWork.map((instance) => [instance.id, instanceOffer(instance, offers)]));
  const asked = [
    ...snapshot.queued.map((job) => ({ ...common(job), agoSeconds: job.waitedSeconds })),
    ...snapshot.active.map((job) => ({ ...common(job), agoSeconds: job.waitedSeconds + (job.ranSeconds ?? 0) })),
    ...(lessons?.recentRuns ?? [])
      .filter(({ id }) => !open.has(id))
      .map(({ queuedAt, gpuSeconds }) => ({ agoSeconds: snapshot.at - queuedAt, gpuSeconds })),
  ];
  return forecastQueue(
    {
      waiting: snapshot.queued.map((job) => ({
        ...common(job),
        seq: job.seq,
        class: job.class,
        waitedSeconds: job.waitedSeconds,
        priority: job.priority,
      })),
      active: snapshot.active.map((job) => ({
        ...common(job),
        // What is being stored is off the GPU.
        instanceId: job.state === 'storing' ? null : job.instanceId,
        ranSeconds: job.ranSeconds,
      })),
      loads: recentLoads(asked, takingWork.length),
      shares: new Map(
        snapshot.shares.map(({ personId, chargedGpuSeconds, weight }) => [personId, { chargedGpuSeconds, weight }]),
      ),
      floorGpuSeconds: snapshot.floorGpuSeconds,
      instances: takingWork,
      canRun(job, instanceId) {
        const needs = open.get(job.id);
        return needs === undefined || mismatchOf(needs, offerOf.get(instanceId) ?? {}) === undefined;
      },
    },
    { ...defaultForecastRules, pick: knowledge.rules ?? defaultForecastRules.pick },
    {
      calibration: lessons?.calibration,
      untilJobId: knowledge.untilJobId,
      serviceTime: (jobId) => times.get(jobId),
    },
  );
}
