import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { AppError } from '../errors/app-error.ts';
import { type Database, waitForDatabase } from './connect-database.ts';
import { migrateDatabase } from './migrate-database.ts';

const retryMs = 250;

/**
 * Waits for Postgres and brings its schema up to date, from the start again where it goes away in between.
 *
 * @throws AppError as {@link waitForDatabase}, and what a migration itself fails with.
 */
export async function prepareDatabase(db: Database, url: string, log: Logger, signal?: AbortSignal): Promise<void> {
  for (;;) {
    await waitForDatabase(db, log, signal);
    try {
      await migrateDatabase(url);
      return;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
      log.warn({ err: error }, 'Postgres went away while its schema was looked at; waiting for it again');
      await sleep(retryMs);
    }
  }
}
