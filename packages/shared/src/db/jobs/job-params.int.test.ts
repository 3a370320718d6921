import { expect, test } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { queueTestJobs } from '../testing/queue-fixtures.ts';
import { readJob, readJobsOfRequests } from './read-jobs.ts';

const db = useMigratedDatabase({ poolSize: 2 });

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
