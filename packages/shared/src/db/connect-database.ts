import postgres from 'postgres';
import type { Logger } from 'pino';
import { AppError } from '../errors/app-error.ts';
import { createAnsweringSockets } from './answering-socket.ts';
import { postgresArrayTypes } from './array-types.ts';
import { toDatabaseError } from './database-error.ts';

export type Sql = postgres.Sql<Record<string, never>>;
export type SqlFragment = postgres.Fragment;

export interface DatabaseOptions {
  url: string;
  /** Connections at most. */
  poolSize: number;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** A connection on which a statement stays unanswered for this long is replaced; 40,000 unless given. */
  answerMs?: number;
  log: Logger;
}

/** A statement takes no longer, by the server's own clock. */
const statementMs = 30_000;

/**
 * The database as repositories use it. `sql` speaks in prepared statements; column names arrive in camelCase.
 * Each repository function is one statement where it can be: one round trip, and atomic by itself.
 */
export interface Database {
  sql: Sql;
  close(): Promise<void>;
}

/** Builds the pool. Nothing is opened until the first query; a lost connection is opened again by the next one. */
export function createDatabase(options: DatabaseOptions): Database {
  // The types of the library leave `socket` out; its documentation has it.
  const sockets = { socket: createAnsweringSockets(options.answerMs ?? statementMs + 10_000) };
  const sql = postgres(options.url, {
    ...sockets,
    max: options.poolSize,
    connect_timeout: 5,
    idle_timeout: 300,
    // Retried by the caller, who knows how long it may wait.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1),
    connection: {
      application_name: options.applicationName,
      statement_timeout: statementMs,
      idle_in_transaction_session_timeout: 15_000,
      // Each connection would plan each statement five times before it keeps a plan, which costs several times as much as
      // running it; ours find their rows by keys and partial indexes, whatever the values.
      plan_cache_mode: 'force_generic_plan',
    },
    // Its own question for array types, asked on each new connection, ends the process when Postgres dies meanwhile.
    fetch_types: false,
    types: postgresArrayTypes,
    transform: { undefined: null, column: { from: postgres.toCamel } },
    onnotice: (notice) => options.log.debug({ notice: notice['message'] }, 'notice from Postgres'),
  });
  return { sql, close: () => sql.end({ timeout: 5 }) };
}

/**
 * Waits until Postgres answers, with back-off from 50 ms to 2 s.
 *
 * @throws AppError `config` at once where the address, the user or the password is refused; `unavailable` when aborted.
 */
export async function waitForDatabase(db: Database, log: Logger, signal?: AbortSignal): Promise<void> {
  let delayMs = 50;
  let said = false;
  for (;;) {
    try {
      await db.sql`select 1`;
      if (said) log.info('Postgres answers again');
      return;
    } catch (thrown) {
      const error = toDatabaseError(thrown);
      if (error.code === 'config') throw error;
      if (!said) log.warn({ err: error }, 'waiting for Postgres at DATABASE_URL');
      said = true;
    }
    if (signal?.aborted === true) throw new AppError('unavailable', 'stopped while waiting for Postgres');
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    delayMs = Math.min(delayMs * 2, 2_000);
  }
}
