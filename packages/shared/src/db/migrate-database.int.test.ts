import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { openTcpProxy } from '@atelier/tests/support/tcp-proxy';
import { createDatabase } from './connect-database.ts';
import { migrateDatabase } from './migrate-database.ts';
import { prepareDatabase } from './prepare-database.ts';

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

describe('prepareDatabase', () => {
  it('begins again where Postgres answered and is away when its schema is looked at', async () => {
    const { url } = testDatabase();
    const away = await openTcpProxy(url);
    const warned = Promise.withResolvers<string>();
    const log = pino({ level: 'warn' }, { write: (line) => warned.resolve(line) });
    const db = createDatabase({ url, poolSize: 1, applicationName: 'test', log });
    const proxied = new URL(url);
    proxied.host = `127.0.0.1:${away.port}`;
    const another = await sql.reserve();
    try {
      // It waits for another service that is at it, and loses its connection there.
      await another`select pg_advisory_lock(${0x6174656c})`;
      const ready = prepareDatabase(db, proxied.href, log);
      const waiting = () => sql`
        select from pg_locks join pg_database d on d.oid = database
        where locktype = 'advisory' and not granted and datname = current_database()`;
      while ((await waiting()).length === 0);
      away.cut();
      expect(await warned.promise).toContain('Postgres went away');
      await another`select pg_advisory_unlock(${0x6174656c})`;
      away.open();
      await ready;
      expect((await applied()).length).toBeGreaterThan(0);
    } finally {
      another.release();
      await db.close();
      await away.close();
    }
  });
});
