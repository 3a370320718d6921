import type { Logger } from 'pino';
import type { Database } from '@atelier/shared/db/connect-database';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readOpenRequests } from '@atelier/shared/db/requests/read-requests';
import type { QueueFacts } from '../core/cards/queue-card.ts';
import { withDeadline } from '../with-deadline.ts';
import { forecastRequests, type RequestForecast } from '../core/queue/forecast-requests.ts';

/** A connection that fell silent must not hold up the next look. */
const readDeadlineMs = 10_000;

export interface QueueWatch {
  /** As of the last look; empty before the first. */
  readonly current: QueueFacts;
  readonly forecasts: ReadonlyMap<string, RequestForecast>;
  /** Looks now. */
  read(): Promise<QueueFacts>;
  /** Something changed: look soon. */
  ring(): void;
  /** Called after each look. Returns the way out. */
  watch(listener: (queue: QueueFacts) => void): () => void;
  stop(): void;
}

/**
 * One forecast for everybody who looks: made again 100 ms after a change (a burst makes one), and every 3 s while
 * something is open and somebody looks, because estimates shrink with time.
 */
export function createQueueWatch(options: {
  db: Database;
  log: Logger;
  settleMs?: number;
  refreshMs?: number;
}): QueueWatch {
  const { db, log } = options;
  const settleMs = options.settleMs ?? 100;
  const refreshMs = options.refreshMs ?? 3_000;
  const listeners = new Set<(queue: QueueFacts) => void>();
  let current: QueueFacts = { open: [], forecasts: new Map() };
  let timer: NodeJS.Timeout | undefined;
  let due = 0;
  let looking: Promise<QueueFacts> | undefined;
  let stopped = false;

  async function look(): Promise<QueueFacts> {
    const [snapshot, open] = await withDeadline(
      Promise.all([readQueueSnapshot(db), readOpenRequests(db)]),
      readDeadlineMs,
    );
    current = { open, forecasts: forecastRequests(snapshot) };
    for (const listener of listeners) listener(current);
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
      if (listeners.size === 0) return;
      read().then(
        (queue) => {
          if (queue.open.length > 0) schedule(refreshMs);
        },
        (error: unknown) => {
          log.debug({ err: error }, 'the queue could not be read; again soon');
          schedule(refreshMs);
        },
      );
    }, afterMs);
  }

  return {
    get current() {
      return current;
    },
    get forecasts() {
      return current.forecasts;
    },
    read,
    ring: () => schedule(settleMs),
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
