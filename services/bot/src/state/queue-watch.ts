import type { Logger } from 'pino';
import { createOfferMemory } from '@atelier/queue/offer-memory';
import type { PickRules } from '@atelier/queue/pick-job';
import { createRunLessons } from '@atelier/queue/run-lessons';
import type { Language } from '@atelier/shared/contracts/identity';
import type { LiveProgress } from '@atelier/shared/contracts/live';
import type { Database } from '@atelier/shared/db/connect-database';
import { readRegistryOffers } from '@atelier/shared/db/instances/instance-store';
import { recordPromises } from '@atelier/shared/db/jobs/job-promises';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readFinishedRuns } from '@atelier/shared/db/jobs/read-runs';
import { readOpenRequests } from '@atelier/shared/db/requests/read-requests';
import type { QueueFacts } from '../core/cards/queue-card.ts';
import { explainWaiting } from '../core/queue/explain-waiting.ts';
import { forecastRequests, type QueueForecast, type RequestForecast } from '../core/queue/forecast-requests.ts';
import { narrowEnds } from '../core/queue/narrow-end.ts';
import { newPromises } from '../core/queue/new-promises.ts';
import { withDeadline } from '../with-deadline.ts';

/** A connection that fell silent must not hold up the next look. */
const readDeadlineMs = 10_000;
/** Runs that a start learns from. */
const runsAtStart = 5_000;

export interface QueueWatch {
  /** As of the last look; empty before the first. */
  readonly current: QueueFacts;
  readonly forecasts: ReadonlyMap<string, RequestForecast>;
  /** Why a request waits, as of the last look: a sentence; undefined for one that does not wait. */
  explain(requestId: string, language: Language): string | undefined;
  /** The same by request in both languages, of the first {@link maxReasons} that wait: made when it is first asked for. */
  readonly reasons: ReadonlyMap<string, { en: string; zh: string }>;
  /** Looks now. */
  read(): Promise<QueueFacts>;
  /** Something changed: look soon. */
  ring(): void;
  /** Called after each look. Returns the way out. */
  watch(listener: (queue: QueueFacts) => void): () => void;
  /** Called after a look with the requests whose place in the queue changed, or that begin or cease to be blocked. */
  watchPlaces(listener: (requestIds: readonly string[]) => void): () => void;
  stop(): void;
}

/** Requests in a line that are told why; the rest is told when it asks. */
const maxReasons = 200;

const nothing: QueueForecast = { requests: new Map(), picks: [], nextJob: new Map(), jobs: new Map() };

/**
 * One forecast for everybody who looks: made again 100 ms after a change (a burst makes one) while somebody looks, else 1 s,
 * since what people are told is also what the forecasts learn from; and every 3 s while something is open and somebody looks,
 * because estimates shrink with time.
 *
 * What was learned is in the jobs' own rows (what they took, what was said and what became of it), so a restart reads it again
 * and several processes learn the same.
 */
export function createQueueWatch(options: {
  db: Database;
  log: Logger;
  /** The workers' rules. */
  rules?: PickRules;
  /** Of running jobs, by id: it narrows when they end. */
  progress: ReadonlyMap<string, LiveProgress>;
  settleMs?: number;
  idleSettleMs?: number;
  refreshMs?: number;
}): QueueWatch {
  const { db, log, rules } = options;
  const settleMs = options.settleMs ?? 100;
  const idleSettleMs = options.idleSettleMs ?? 1_000;
  const refreshMs = options.refreshMs ?? 3_000;
  const listeners = new Set<(queue: QueueFacts) => void>();
  const placeListeners = new Set<(requestIds: readonly string[]) => void>();
  const lessons = createRunLessons();
  const offersOf = createOfferMemory((hashes) => readRegistryOffers(db, hashes));
  let current: QueueFacts = { open: [], forecasts: new Map() };
  let forecast = nothing;
  let names: ReadonlyMap<string, string> = new Map();
  let reasons: Map<string, { en: string; zh: string }> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let due = 0;
  let looking: Promise<QueueFacts> | undefined;
  let stopped = false;

  async function learn(): Promise<void> {
    const after = lessons.learnedUntil;
    lessons.learn(
      await readFinishedRuns(db, after === undefined ? { limit: runsAtStart } : { limit: runsAtStart, after }),
    );
  }

  async function look(): Promise<QueueFacts> {
    const [snapshot, open] = await withDeadline(
      Promise.all([readQueueSnapshot(db), readOpenRequests(db), learn()]),
      readDeadlineMs,
    );
    const offers = await withDeadline(offersOf(snapshot.instances), readDeadlineMs);
    const before = forecast;
    forecast = forecastRequests(snapshot, { lessons, offers, rules });
    const alive = snapshot.instances.filter((instance) => instance.alive);
    const held = {
      pausedGpus: alive.filter(({ paused }) => paused).length,
      foreignPrompts: alive.reduce((sum, { foreignPrompts }) => sum + foreignPrompts, 0),
    };
    const openJobs = [...snapshot.active, ...snapshot.queued];
    current = { open, forecasts: narrowEnds(forecast.requests, openJobs, options.progress), held };
    names = new Map(open.map((request) => [request.personId, request.personName]));
    reasons = undefined;
    for (const listener of listeners) listener(current);
    const moved = movedRequests(before.requests, forecast.requests);
    if (moved.length > 0) for (const listener of placeListeners) listener(moved);
    recordPromises(db, snapshot.at, newPromises(snapshot, forecast)).catch((error: unknown) =>
      log.debug({ err: error }, 'what was forecast could not be kept; nothing is learned from it'),
    );
    return current;
  }

  function read(): Promise<QueueFacts> {
    looking ??= look().finally(() => (looking = undefined));
    return looking;
  }

  function schedule(afterMs: number): void {
    const at = performance.now() + afterMs;
    if (stopped || (timer !== undefined && due <= at)) return;
    clearTimeout(timer);
    due = at;
    timer = setTimeout(() => {
      timer = undefined;
      read().then(
        (queue) => {
          if (isWatched() && queue.open.length > 0) schedule(refreshMs);
        },
        (error: unknown) => {
          log.debug({ err: error }, 'the queue could not be read; again soon');
          schedule(refreshMs);
        },
      );
    }, afterMs);
  }

  function isWatched(): boolean {
    return listeners.size + placeListeners.size > 0;
  }

  function explain(requestId: string, language: Language): string | undefined {
    const somebody = language === 'en' ? 'somebody' : '其他人';
    return explainWaiting(forecast, requestId, (personId) => names.get(personId) ?? somebody, language);
  }

  return {
    get current() {
      return current;
    },
    get forecasts() {
      return current.forecasts;
    },
    explain,
    get reasons() {
      reasons ??= new Map(
        [...forecast.nextJob.keys()].slice(0, maxReasons).flatMap((requestId) => {
          const [en, zh] = [explain(requestId, 'en'), explain(requestId, 'zh')];
          return en === undefined || zh === undefined ? [] : [[requestId, { en, zh }] as const];
        }),
      );
      return reasons;
    },
    read,
    ring: () => schedule(isWatched() ? settleMs : idleSettleMs),
    watch(listener) {
      listeners.add(listener);
      schedule(0);
      return () => listeners.delete(listener);
    },
    watchPlaces(listener) {
      placeListeners.add(listener);
      return () => placeListeners.delete(listener);
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function movedRequests(
  before: ReadonlyMap<string, RequestForecast>,
  after: ReadonlyMap<string, RequestForecast>,
): string[] {
  return [...after].flatMap(([requestId, { place, blocked }]) => {
    const was = before.get(requestId);
    return was?.place === place && was.blocked?.kind === blocked?.kind ? [] : [requestId];
  });
}
