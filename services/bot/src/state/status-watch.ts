import type { Logger } from 'pino';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { Database } from '@atelier/shared/db/connect-database';
import { type InstanceRecord, readInstances } from '@atelier/shared/db/instances/instance-store';
import { withDeadline } from '../with-deadline.ts';
import { decideNotices, type NoticeKey, type WorkerFacts } from '../core/notices/decide-notices.ts';

export interface StatusWatch {
  readonly notices: readonly NoticeKey[];
  /** The database took statements at the last look, and the schema is there. */
  readonly databaseReady: boolean;
  takeWorkerStatus(status: LiveWorkerStatus): void;
  /** What a worker said of itself a moment ago. */
  workerStatus(instanceId: string): LiveWorkerStatus | undefined;
  /** The connection to NATS was made, lost or regained. */
  setNatsConnected(connected: boolean): void;
  /** This chat refuses our token: the others go on. */
  setRefused(adapter: string): void;
  /** A statement has just failed: look now. */
  suspectDatabase(): void;
  /** Called when the notices change, with the new ones. Returns the way out. */
  watch(listener: (notices: readonly NoticeKey[]) => void): () => void;
  /** Begins to look, once the schema is there; resolves after the first look. */
  start(): Promise<void>;
  stop(): void;
}

/** A database that takes longer to say who lives is not there for people either. */
const lookDeadlineMs = 3_000;
/** How old a worker's last word may be. They speak every 2 s. */
const workerSilenceMs = 8_000;
/** No word about missing workers before this: they start beside us. */
const startGraceMs = 8_000;

export function createStatusWatch(options: {
  db: Database;
  log: Logger;
  now: () => number;
  lookMs?: number;
  retryMs?: number;
}): StatusWatch {
  const { db, log, now } = options;
  const lookMs = options.lookMs ?? 3_000;
  const retryMs = options.retryMs ?? 500;
  const createdAt = now();
  const heard = new Map<string, { status: LiveWorkerStatus; at: number }>();
  const listeners = new Set<(notices: readonly NoticeKey[]) => void>();
  const refused = new Set<string>();
  let instances: readonly InstanceRecord[] = [];
  let natsConnected: boolean | undefined;
  let database: 'starting' | 'ready' | 'away' = 'starting';
  let notices: readonly NoticeKey[] = ['starting'];
  let timer: NodeJS.Timeout | undefined;
  let looking = false;
  let started = false;
  let stopped = false;

  function workerStatus(instanceId: string): LiveWorkerStatus | undefined {
    const last = heard.get(instanceId);
    return last !== undefined && now() - last.at < workerSilenceMs ? last.status : undefined;
  }

  function workers(): WorkerFacts[] {
    return instances.map((instance) => {
      const status = workerStatus(instance.id) ?? instance.status;
      return { alive: instance.alive, paused: instance.paused, state: status?.state };
    });
  }

  function decide(): void {
    const next = decideNotices({
      database,
      natsConnected,
      workers: workers(),
      mayMissWorkers: now() - createdAt > startGraceMs,
      refused: [...refused],
    });
    if (next.join() === notices.join()) return;
    notices = next;
    for (const listener of listeners) listener(notices);
  }

  async function look(): Promise<void> {
    looking = true;
    try {
      instances = await withDeadline(readInstances(db), lookDeadlineMs);
      if (database === 'away') log.info('Postgres answers again');
      database = 'ready';
    } catch (error) {
      if (database !== 'away') log.warn({ err: error }, 'Postgres is away; requests are refused until it is back');
      database = 'away';
    }
    looking = false;
    decide();
    schedule(database === 'ready' ? lookMs : retryMs);
  }

  function schedule(afterMs: number): void {
    clearTimeout(timer);
    if (!stopped && started) timer = setTimeout(() => void look(), afterMs);
  }

  return {
    get notices() {
      return notices;
    },
    get databaseReady() {
      return database === 'ready';
    },
    takeWorkerStatus(status) {
      const before = heard.get(status.instanceId)?.status.state;
      heard.set(status.instanceId, { status, at: now() });
      // A worker that has just taken its instance.
      const known = instances.some((instance) => instance.id === status.instanceId && instance.alive);
      if (!known && !looking && database === 'ready') schedule(0);
      if (before !== status.state) decide();
    },
    workerStatus,
    setNatsConnected(connected) {
      natsConnected = connected;
      decide();
    },
    setRefused(adapter) {
      refused.add(adapter);
      decide();
    },
    suspectDatabase() {
      if (started && !looking && database === 'ready') schedule(0);
    },
    watch(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start() {
      started = true;
      return look();
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
