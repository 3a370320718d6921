import type { Logger } from 'pino';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { QueueKnowledge, RegistryOffers } from '@atelier/queue/forecast-snapshot';
import { createRunLessons, type FinishedRun } from '@atelier/queue/run-lessons';
import type { RegistryOffer } from '@atelier/shared/db/instances/instance-store';
import type { Waiting } from '../core/jobs/job-view.ts';
import {
  emptyQueueView,
  forecastImagined,
  forecastRequests,
  type ImaginedJob,
  type QueueView,
} from '../core/queue/forecast-requests.ts';

export interface QueueWatch {
  /** As of the last look. */
  readonly current: QueueView;
  /** A look that is at most `freshMs` old. */
  read(): Promise<QueueView>;
  /** Where a job of this size would stand if it were asked for now. */
  imagine(job: ImaginedJob): Promise<Waiting | undefined>;
  /** Something changed: look soon, where somebody listens. */
  ring(): void;
  watch(listener: (queue: QueueView) => void): () => void;
  stop(): void;
}

/** A look this old still serves. */
const freshMs = 500;
const settleMs = 150;
const refreshMs = 3_000;

/** One forecast for everybody who asks: a burst of calls or of changes makes one look. */
export function createQueueWatch(options: {
  readSnapshot: () => Promise<QueueSnapshot>;
  /** Jobs that succeeded since, by `finishedAt`; without it, those that a start learns from. */
  readRuns: (after: number | undefined) => Promise<FinishedRun[]>;
  readOffers: (registryHashes: readonly string[]) => Promise<RegistryOffer[]>;
  log: Logger;
}): QueueWatch {
  const { log } = options;
  const listeners = new Set<(queue: QueueView) => void>();
  const lessons = createRunLessons();
  let offers: RegistryOffers = new Map();
  let current = emptyQueueView;
  let lookedAt = -Infinity;
  let looking: Promise<QueueView> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** What was learned is in the jobs' own rows, so every gateway and every chat learns the same. */
  async function learn(snapshot: QueueSnapshot): Promise<QueueKnowledge> {
    lessons.learn(await options.readRuns(lessons.learnedUntil));
    const hashes = new Set(snapshot.instances.flatMap(({ registryHash }) => registryHash ?? []));
    const unknown = [...hashes].filter((hash) => !offers.has(hash));
    const found = unknown.length === 0 ? [] : await options.readOffers(unknown);
    offers = new Map([
      ...[...offers].filter(([hash]) => hashes.has(hash)),
      ...found.map(({ registryHash, classes, models }) => {
        const offer = { classes: new Set(classes), models: models === null ? undefined : new Set(models) };
        return [registryHash, offer] as const;
      }),
    ]);
    return { lessons, offers };
  }

  async function look(): Promise<QueueView> {
    const startedAt = performance.now();
    const snapshot = await options.readSnapshot();
    current = forecastRequests(snapshot, await learn(snapshot));
    lookedAt = startedAt;
    for (const listener of listeners) listener(current);
    return current;
  }

  function lookNow(): Promise<QueueView> {
    looking ??= look().finally(() => (looking = undefined));
    return looking;
  }

  function schedule(afterMs: number): void {
    if (stopped || timer !== undefined || listeners.size === 0) return;
    timer = setTimeout(() => {
      timer = undefined;
      lookNow()
        .catch((error: unknown) => log.debug({ err: error }, 'the queue could not be read; again soon'))
        .finally(() => {
          if (current.waiting.size > 0) schedule(refreshMs);
        });
    }, afterMs);
  }

  return {
    get current() {
      return current;
    },
    read: () => (performance.now() - lookedAt < freshMs ? Promise.resolve(current) : lookNow()),
    async imagine(job) {
      const snapshot = await options.readSnapshot();
      return forecastImagined(snapshot, job, await learn(snapshot));
    },
    ring() {
      lookedAt = -Infinity;
      clearTimeout(timer);
      timer = undefined;
      schedule(settleMs);
    },
    watch(listener) {
      listeners.add(listener);
      schedule(0);
      return () => listeners.delete(listener);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
