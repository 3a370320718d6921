import { afterAll, beforeAll } from 'vitest';
import type { Database } from '@atelier/shared/db/connect-database';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { openDatabase } from './open-database.ts';
import { useTestDatabase } from './servers.ts';

/** A database of the test file's own with the whole schema, open from the first test to the last. */
export function useMigratedDatabase({ poolSize = 6 } = {}): Pick<Database, 'sql' | 'close'> {
  const testDatabase = useTestDatabase();
  let db: Database;
  beforeAll(async () => {
    const { url } = testDatabase();
    await migrateDatabase(url);
    db = openDatabase(url, poolSize);
  });
  afterAll(() => db.close());
  return {
    get sql() {
      return db.sql;
    },
    close: () => db.close(),
  };
}
