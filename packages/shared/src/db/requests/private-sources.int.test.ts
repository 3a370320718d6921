import { expect, test } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { markShared } from '../chat/request-marks.ts';
import { finishJob } from '../jobs/finish-jobs.ts';
import { holdTestInstance, pickTestJob, queueTestJobs } from '../testing/queue-fixtures.ts';
import { firstPersonIdOf } from './accept-request.ts';
import { comesOfPrivate } from './private-sources.ts';

const db = useMigratedDatabase();
const [mei, bo] = [firstPersonIdOf('web', 'mei'), firstPersonIdOf('web', 'bo')];
const secretHash = 'a'.repeat(64);

/** A private request of Mei's whose picture has this hash. */
async function makeSecret(): Promise<string> {
  const { requestId, jobIds } = await queueTestJobs(db, 1);
  await db.sql`update requests set is_private = true where id = ${requestId}`;
  const lease = await pickTestJob(db, await holdTestInstance(db), jobIds[0] ?? '');
  const picture = { hash: secretHash, mediaType: 'image/png', bytes: 1, nodeId: 'save', filename: 'a.png' };
  expect(await finishJob(db, lease, { outputs: [{ ...picture, index: 0 }], gpuSeconds: 1 })).toBeDefined();
  return requestId;
}

test('what is made of a private result is known by its request and by its file, until it is shared', async () => {
  const requestId = await makeSecret();
  const { requestId: open } = await queueTestJobs(db, 1);
  const isPrivate = (requestIds: string[], hashes: string[] = [], personId = mei): Promise<boolean> =>
    comesOfPrivate(db, personId, { requestIds, hashes });
  expect(await isPrivate([requestId])).toBe(true);
  expect(await isPrivate([open, requestId])).toBe(true);
  expect(await isPrivate([], [secretHash])).toBe(true);
  expect(await isPrivate([open], ['b'.repeat(64)])).toBe(false);
  expect(await isPrivate([requestId], [secretHash], bo)).toBe(false);
  await markShared(db, requestId);
  expect(await isPrivate([requestId], [secretHash])).toBe(false);
});
