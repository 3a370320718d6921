import type { Logger } from 'pino';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import type { QueueKnowledge } from '@atelier/queue/forecast-snapshot';
import { createOfferMemory } from '@atelier/queue/offer-memory';
import type { PickRules } from '@atelier/queue/pick-job';
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
  /** The workers' rules. */
  rules: PickRules;
  log: Logger;
}): QueueWatch {
  const { log } = options;
  const listeners = new Set<(queue: QueueView) => void>();
  const lessons = createRunLessons();
  const offersOf = createOfferMemory(options.readOffers);
  let current = emptyQueueView;
  let seen:
    | { snapshot: QueueSnapshot; knowledge: QueueKnowledge; imagined: Map<string, Waiting | undefined> }
    | undefined;
  let lookedAt = -Infinity;
  let looking: Promise<QueueView> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** What was learned is in the jobs' own rows, so every gateway and every chat learns the same. */
  async function learn(snapshot: QueueSnapshot): Promise<QueueKnowledge> {
    lessons.learn(await options.readRuns(lessons.learnedUntil));
    return { lessons, offers: await offersOf(snapshot.instances), rules: options.rules };
  }

  async function look(): Promise<QueueView> {
    const startedAt = performance.now();
    const snapshot = await options.readSnapshot();
    const knowledge = await learn(snapshot);
    current = forecastRequests(snapshot, knowledge);
    seen = { snapshot, knowledge, imagined: new Map() };
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

  const read = (): Promise<QueueView> =>
    performance.now() - lookedAt < freshMs ? Promise.resolve(current) : lookNow();

  return {
    get current() {
      return current;
    },
    read,
    async imagine(job) {
      await read();
      if (seen === undefined) return undefined;
      const { snapshot, knowledge, imagined } = seen;
      // Who asks for many at once is told the same until the next look: each answer replays the whole queue.
      const key = JSON.stringify(job);
      if (!imagined.has(key)) imagined.set(key, forecastImagined(snapshot, job, knowledge));
      return imagined.get(key);
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
