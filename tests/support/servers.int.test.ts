import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import postgres from 'postgres';
import { expect, test } from 'vitest';
import { createTestDatabase, createTestNats, useTestDatabase, useTestNats } from './servers.ts';

const database = useTestDatabase();
const nats = useTestNats();

test('a test file gets an empty UTF-8 database of its own', async () => {
  const sql = postgres(database().url, { max: 1 });
  const [row] = await sql<{ name: string; encoding: string; tables: number }[]>`
    select current_database() as name, current_setting('server_encoding') as encoding,
      (select count(*)::int from pg_tables where schemaname = 'public') as tables`;
  await sql.end();
  expect(row).toEqual({ name: database().name, encoding: 'UTF8', tables: 0 });
});

test('two databases do not see each other, and a dropped one is gone even with a client connected', async () => {
  const other = await createTestDatabase();
  const mine = postgres(database().url, { max: 1 });
  const theirs = postgres(other.url, { max: 1, onnotice: () => undefined });
  await theirs`create table only_there (id int)`;
  const [seen] = await mine<{ found: string | null }[]>`select to_regclass('only_there')::text as found`;
  expect(seen?.found).toBeNull();
  await other.drop();
  const [left] = await mine<
    { count: number }[]
  >`select count(*)::int as count from pg_database where datname = ${other.name}`;
  expect(left?.count).toBe(0);
  await theirs.end({ timeout: 0 });
  await mine.end();
});

test('a share of NATS takes JetStream messages and clears its own streams only', async () => {
  const other = await createTestNats();
  expect(other.prefix).not.toBe(nats().prefix);
  const connection = await connect({ servers: nats().url });
  const manager = await jetstreamManager(connection);
  for (const { prefix } of [nats(), other])
    await manager.streams.add({ name: `${prefix.toUpperCase()}_EVENTS`, subjects: [`${prefix}.events.>`] });
  const ack = await jetstream(connection).publish(`${nats().prefix}.events.one`, 'hello');
  expect(ack.seq).toBe(1);
  await other.clear();
  const names = (await manager.streams.names().next()).map((name) => name.toLowerCase());
  expect(names).toContain(`${nats().prefix}_events`);
  expect(names).not.toContain(`${other.prefix}_events`);
  await connection.close();
});
