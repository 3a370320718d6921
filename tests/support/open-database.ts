import { pino } from 'pino';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';

/** Opens a database that somebody else made, without a word in the log. */
export function openDatabase(url: string, poolSize = 2): Database {
  return createDatabase({ url, poolSize, applicationName: 'test', log: pino({ level: 'silent' }) });
}
