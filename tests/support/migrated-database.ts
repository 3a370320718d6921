import { pino } from 'pino';
import { afterAll, beforeAll } from 'vitest';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { useTestDatabase } from './servers.ts';

/** A database of the test file's own with the whole schema, open from the first test to the last. */
export function useMigratedDatabase({ poolSize = 6 } = {}): Pick<Database, 'sql' | 'close'> {
  const testDatabase = useTestDatabase();
  let db: Database;
  beforeAll(async () => {
    const { url } = testDatabase();
    await migrateDatabase(url);
    db = createDatabase({ url, poolSize, applicationName: 'test', log: pino({ level: 'silent' }) });
  });
  afterAll(() => db.close());
  return {
    get sql() {
      return db.sql;
    },
    close: () => db.close(),
  };
}
