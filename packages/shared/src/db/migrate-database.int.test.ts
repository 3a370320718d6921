import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { fileURLToPath } from 'node:url';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { migrateDatabase } from './migrate-database.ts';

const testDatabase = useTestDatabase();
let sql: postgres.Sql;

beforeAll(() => {
  sql = postgres(testDatabase().url, { max: 2, onnotice: () => {} });
});
afterAll(() => sql.end());

const applied = () => sql`select hash from drizzle.__drizzle_migrations order by id`;

describe('migrateDatabase', () => {
  it('may be called by several services at once, and again', async () => {
    await Promise.all([1, 2, 3].map(() => migrateDatabase(testDatabase().url)));
    const first = await applied();
    await migrateDatabase(testDatabase().url);
    expect(await applied()).toEqual(first);
    expect(await sql`select version from queue_state`).toHaveLength(1);
  });

  it('leaves nothing for the migrator of drizzle to do', async () => {
    await migrateDatabase(testDatabase().url);
    const before = await applied();
    const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
    await migrate(drizzle(sql), { migrationsFolder });
    expect(await applied()).toEqual(before);
  });
});
