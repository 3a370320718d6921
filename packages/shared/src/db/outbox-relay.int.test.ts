import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { AppError } from '../errors/app-error.ts';
import { createDatabase, type Database } from './connect-database.ts';
import { migrateDatabase } from './migrate-database.ts';
import { createOutboxRelay } from './outbox-relay.ts';
import type { OutboxRow } from './outbox-row.ts';

const testDatabase = useTestDatabase();
const log = pino({ level: 'silent' });
let db: Database;

beforeAll(async () => {
  await migrateDatabase(testDatabase().url);
  db = createDatabase({ url: testDatabase().url, poolSize: 2, applicationName: 'test', log });
});
afterAll(() => db.close());
beforeEach(() => db.sql`truncate outbox`);

async function addRow(key: string, ageSeconds: number): Promise<string> {
  const id = randomUUID();
  await db.sql`
    insert into outbox (id, key, tokens, data, correlation_id, created_at)
    values (${id}, ${key}, '{}', '{}', ${randomUUID()}, now() - ${ageSeconds} * interval '1 second')`;
  return id;
}

const rowsLeft = async (): Promise<string[]> =>
  (await db.sql`select id from outbox order by created_at`).map((row) => String(row['id']));

it('lets no row that can never be sent keep back those behind it', async () => {
  await addRow('aSubjectOfAnotherVersion', 30);
  const broken = await addRow('requestSubmitted', 20);
  const good = await addRow('requestSubmitted', 10);
  const sent: string[] = [];
  const publish = (row: OutboxRow): Promise<void> => {
    if (row.id === broken) return Promise.reject(new AppError('internal', 'does not fit its schema'));
    sent.push(row.id);
    return Promise.resolve();
  };
  const relay = createOutboxRelay({ db, publish, log, sweepMs: 10 });
  relay.start();
  await vi.waitFor(async () => expect(await rowsLeft()).toEqual([]));
  await relay.stop();
  expect(sent).toEqual([good]);
});

it('keeps every row in its order while NATS is away', async () => {
  const ids = [await addRow('requestSubmitted', 20), await addRow('requestSubmitted', 10)];
  const tried: string[] = [];
  let away = true;
  const publish = (row: OutboxRow): Promise<void> => {
    tried.push(row.id);
    return away ? Promise.reject(new AppError('unavailable', 'NATS is away')) : Promise.resolve();
  };
  const relay = createOutboxRelay({ db, publish, log, sweepMs: 10 });
  relay.start();
  await vi.waitFor(() => expect(tried.length).toBeGreaterThan(1));
  expect(new Set(tried)).toEqual(new Set([ids[0]]));
  expect(await rowsLeft()).toEqual(ids);
  away = false;
  await vi.waitFor(async () => expect(await rowsLeft()).toEqual([]));
  await relay.stop();
  expect(tried.at(-1)).toBe(ids[1]);
});
