import type { Logger } from 'pino';
import { AppError, type AppErrorCode } from '../errors/app-error.ts';
import type { Database } from './connect-database.ts';
import { outboxRowSchema, type OutboxRow } from './outbox-row.ts';

export interface OutboxRelayOptions {
  db: Database;
  /** Publishes to JetStream with the row's id as `Nats-Msg-Id`, and resolves when it is acknowledged. */
  publish: (row: OutboxRow) => Promise<void>;
  log: Logger;
  /** How often what was left behind is looked for. */
  sweepMs?: number;
}

export interface OutboxRelay {
  /** Publishes what a commit returned, at once and without waiting for it; what fails is left to the sweep. */
  nudge(rows: readonly OutboxRow[]): void;
  start(): void;
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

/** Failures of NATS and not of the message: away, full, or set up so that it refuses us. */
const mayPass: ReadonlySet<AppErrorCode> = new Set(['unavailable', 'config']);

/**
 * Carries the outbox to NATS. A row is deleted only after its acknowledgement, so a message may go out twice and never
 * not at all; JetStream drops the second by its id within its window, and every handler tolerates one outside it.
 *
 * The service that committed publishes its own rows directly (the doorbell rings within a millisecond); rows of a
 * service that died are published by whoever sweeps next. Deletions are gathered, so that they cost no round trip a job.
 *
 * A row that can never be sent (of another version's shape, too large) is dropped with an error in the log: what it
 * announces is found in Postgres all the same, while a row that stays would keep back those behind it.
 */
export function createOutboxRelay(options: OutboxRelayOptions): OutboxRelay {
  const { db, log } = options;
  const sweepMs = options.sweepMs ?? 1_000;
  const underway = new Set<Promise<unknown>>();
  const inFlight = new Set<string>();
  let published: string[] = [];
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  /** Done with it: NATS has it, is being given it, or will never take it. False: NATS is away. */
  async function publishRow(row: OutboxRow): Promise<boolean> {
    if (inFlight.has(row.id)) return true;
    inFlight.add(row.id);
    try {
      await options.publish(row);
      published.push(row.id);
      return true;
    } catch (error) {
      const about = { err: error, outbox_id: row.id, request_id: row.correlationId };
      if (!(error instanceof AppError) || !mayPass.has(error.code)) {
        log.error(about, 'this message can never be published; it is dropped');
        published.push(row.id);
        return true;
      }
      log.debug(about, 'not published yet; the sweep will');
      return false;
    } finally {
      inFlight.delete(row.id);
    }
  }

  function track(work: Promise<unknown>): void {
    underway.add(work);
    void work.finally(() => underway.delete(work));
  }

  async function deletePublished(): Promise<void> {
    if (published.length === 0) return;
    const ids = published;
    published = [];
    try {
      await db.sql`delete from outbox where id = any(${ids}::uuid[])`;
    } catch (error) {
      log.debug({ err: error }, 'published rows stay in the outbox for now; JetStream drops the repeats');
    }
  }

  async function sweep(): Promise<void> {
    try {
      await deletePublished();
      // Younger rows are still being published by whoever committed them.
      const rows = await db.sql`
        select id, key, tokens, data, correlation_id from outbox
        where created_at < now() - interval '1 second' order by created_at limit 200`;
      for (const row of rows) {
        const parsed = outboxRowSchema.safeParse(row);
        if (parsed.success) {
          if (!(await publishRow(parsed.data))) break;
        } else {
          log.error({ err: parsed.error, outbox_id: row['id'] }, 'this row is no message of ours; it is dropped');
          published.push(String(row['id']));
        }
      }
      await deletePublished();
    } catch (error) {
      log.debug({ err: error }, 'the outbox could not be swept; again soon');
    }
  }

  function schedule(): void {
    if (stopped) return;
    timer = setTimeout(() => track(sweep().then(schedule)), sweepMs);
  }

  return {
    nudge(rows) {
      for (const row of rows) track(publishRow(row));
    },
    start: schedule,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await Promise.allSettled(underway);
      await deletePublished();
    },
  };
}
