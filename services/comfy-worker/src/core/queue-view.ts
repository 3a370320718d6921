import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { Choice } from './choose-job.ts';

/** The queue as a pick sees it: read anew, or what was read a moment ago with our own picks since. */
export interface QueueView {
  /** @throws what reading the queue throws. */
  look(): Promise<{ snapshot: QueueSnapshot; isFresh: boolean }>;
  /** The choice was committed by us: what was read holds on with it. */
  picked(choice: Choice): void;
  /** Somebody else changed the queue, or may have: the next look reads it anew. */
  forget(): void;
}

export interface QueueViewOptions {
  read: () => Promise<QueueSnapshot>;
  instanceId: string;
  /** How long what was read may serve further picks, in ms. */
  maxAgeMs: number;
  /** Monotonic. */
  now: () => number;
}

/**
 * Builds the view of one worker. A long queue takes a while to read, and short jobs are picked by the hundred a second: so one
 * reading serves several picks, as long as its version, which every pick checks, moved by our own picks alone.
 */
export function createQueueView(options: QueueViewOptions): QueueView {
  let kept: { snapshot: QueueSnapshot; readAtMs: number } | undefined;
  return {
    async look() {
      if (kept !== undefined && options.now() - kept.readAtMs <= options.maxAgeMs) {
        return { snapshot: kept.snapshot, isFresh: false };
      }
      const readAtMs = options.now();
      const snapshot = await options.read();
      kept = { snapshot, readAtMs };
      return { snapshot, isFresh: true };
    },
    picked(choice) {
      if (kept !== undefined) kept.snapshot = withPick(kept.snapshot, choice, options.instanceId);
    },
    forget() {
      kept = undefined;
    },
  };
}

/** The queue after a pick, as the statement that makes it leaves it. */
export function withPick(snapshot: QueueSnapshot, choice: Choice, instanceId: string): QueueSnapshot {
  const { job: chosen, floorGpuSeconds, liftedGpuSeconds } = choice.pick;
  const job = snapshot.queued.find(({ id }) => id === chosen.id);
  if (job === undefined) return snapshot;
  const share = snapshot.shares.find(({ personId }) => personId === job.personId);
  const charged = {
    personId: job.personId,
    chargedGpuSeconds: liftedGpuSeconds + choice.expectedGpuSeconds,
    weight: share?.weight ?? 1,
  };
  return {
    ...snapshot,
    version: snapshot.version + 1,
    floorGpuSeconds: Math.max(snapshot.floorGpuSeconds, floorGpuSeconds),
    queued: snapshot.queued.filter((other) => other !== job),
    active: [...snapshot.active, { ...job, state: 'posting', instanceId, ranSeconds: null }],
    shares: [...snapshot.shares.filter((other) => other !== share), charged],
    instances: snapshot.instances.map((instance) =>
      instance.id === instanceId ? { ...instance, residentKey: job.residencyKey } : instance,
    ),
  };
}
