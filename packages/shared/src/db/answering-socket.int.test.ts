import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { openTcpProxy, type TcpProxy } from '@atelier/tests/support/tcp-proxy';
import { createDatabase, type Database } from './connect-database.ts';
import { withDatabaseErrors } from './database-error.ts';

const testDatabase = useTestDatabase();
let proxy: TcpProxy;
let db: Database;

beforeAll(async () => {
  proxy = await openTcpProxy(testDatabase().url);
  const url = new URL(testDatabase().url);
  url.port = String(proxy.port);
  const log = pino({ level: 'silent' });
  db = createDatabase({ url: url.href, poolSize: 1, applicationName: 'test', answerMs: 300, log });
});
afterAll(async () => {
  await db.close();
  await proxy.close();
});

const backend = async (): Promise<unknown> => (await db.sql`select pg_backend_pid() as pid`)[0]?.['pid'];

describe('a connection to Postgres', () => {
  it('is kept while it is answered', async () => {
    const before = await backend();
    await db.sql`select pg_sleep(0.1)`;
    expect(await backend()).toBe(before);
  });

  it('is given up when it stays silent, and the next statement finds a new one', async () => {
    const before = await backend();
    proxy.stall();
    await expect(withDatabaseErrors(backend)).rejects.toMatchObject({ code: 'unavailable' });
    proxy.open();
    const after = await withDatabaseErrors(backend).catch(() => withDatabaseErrors(backend));
    expect(after).not.toBe(before);
  });
});
