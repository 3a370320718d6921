import { afterAll, beforeAll, expect, test } from 'vitest';
import { pino } from 'pino';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { createDatabase, type Database } from '../connect-database.ts';
import { migrateDatabase } from '../migrate-database.ts';
import { queueTestJobs } from '../testing/queue-fixtures.ts';
import { readJob, readJobsOfRequests } from './read-jobs.ts';

const testDatabase = useTestDatabase();
let db: Database;
beforeAll(async () => {
  await migrateDatabase(testDatabase().url);
  const log = pino({ level: 'silent' });
  db = createDatabase({ url: testDatabase().url, poolSize: 2, applicationName: 'test', log });
});
afterAll(() => db.close());

test('what a job was made with comes back as it was, and may be absent', async () => {
  const params = {
    values: {
      seed: '18446744073709551615',
      prompt: 'a fox "in" snow',
      images: ['a.png', 'b.png'],
      cfg: 6.5,
      hires: true,
    },
    loras: [{ name: 'ink.safetensors', strength: -0.5 }],
    shotId: 'opening',
    shotPrompt: 'a fox',
  };
  const made = await queueTestJobs(db, 1, 'mei', { params });
  expect((await readJobsOfRequests(db, [made.requestId]))[0]?.params).toEqual(params);
  const earlier = await queueTestJobs(db, 1);
  expect((await readJob(db, earlier.jobIds[0] ?? ''))?.params).toBeNull();
});
