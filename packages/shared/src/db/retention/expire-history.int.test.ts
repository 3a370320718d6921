import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { takeExpiredAssets } from '../asset-register.ts';
import { createDatabase, type Database } from '../connect-database.ts';
import { finishJob } from '../jobs/finish-jobs.ts';
import { migrateDatabase } from '../migrate-database.ts';
import { readUsage } from '../people/read-usage.ts';
import { cancelRequest } from '../requests/cancel-request.ts';
import { firstPersonIdOf } from '../requests/accept-request.ts';
import { holdTestInstance, pickTestJob, queueTestJobs } from '../testing/queue-fixtures.ts';
import { archiveRequests } from './archive-file.ts';
import { expireHistory } from './expire-history.ts';

const testDatabase = useTestDatabase();
let db: Database;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'atelier-archive-'));
  await migrateDatabase(testDatabase().url);
  const log = pino({ level: 'silent' });
  db = createDatabase({ url: testDatabase().url, poolSize: 4, applicationName: 'test', log });
});
afterAll(async () => {
  await db.close();
  await rm(folder, { recursive: true, force: true });
});

const hash = (letter: string): string => letter.repeat(64);
const mei = firstPersonIdOf('web', 'mei');
const rules = { keepMs: 90 * 86_400_000, keepFailedMs: 14 * 86_400_000, batch: 2 };

async function finished(letter: string, daysAgo: number): Promise<{ requestId: string; jobId: string }> {
  const { requestId, jobIds } = await queueTestJobs(db, 1);
  const lease = await pickTestJob(db, await holdTestInstance(db, `gpu-${letter}-${daysAgo}`), jobIds[0]!);
  const output = { index: 0, mediaType: 'image/png', bytes: 10, nodeId: '1', filename: 'x.png' };
  await finishJob(db, lease, {
    outputs: [{ ...output, hash: hash(letter), thumbnailHash: hash(`${Number.parseInt(letter, 16) - 9}`) }],
    gpuSeconds: 4,
  });
  await age(requestId, daysAgo);
  return { requestId, jobId: jobIds[0]! };
}

async function age(requestId: string, days: number): Promise<void> {
  await db.sql`update requests set finished_at = finished_at - ${days} * interval '1 day' where id = ${requestId}`;
}

async function requestIds(): Promise<string[]> {
  return (await db.sql`select id from requests`).map((row) => String(row['id']));
}

describe('expireHistory', () => {
  it('deletes what is old with its files, and keeps favourites, what is young, and what was used', async () => {
    const old = await finished('a', 91);
    const shared = await finished('b', 91);
    const favourite = await finished('c', 200);
    const young = await finished('d', 89);
    const sameFile = await finished('b', 1);
    const cancelled = (await queueTestJobs(db, 1)).requestId;
    await cancelRequest(db, cancelled);
    await age(cancelled, 15);
    await db.sql`
      insert into favourites (person_id, hash, job_id, output_index) values (${mei}, ${hash('c')}, ${favourite.jobId}, 0)`;
    await db.sql`
      insert into agent_usage (run_id, day, person_id, model, input_tokens, micro_dollars)
      values (${old.requestId}, current_date, ${mei}, 'm', 100, 7)`;

    const now = new Date('2026-11-21T12:00:00Z');
    const archive: Parameters<typeof expireHistory>[2] = (requests) => archiveRequests(folder, requests, now);
    expect(await expireHistory(db, rules, archive)).toBe(2);
    expect(await expireHistory(db, rules, archive)).toBe(1);
    expect(await expireHistory(db, rules, archive)).toBe(0);

    expect((await requestIds()).toSorted()).toEqual(
      [favourite.requestId, young.requestId, sameFile.requestId].toSorted(),
    );
    const [left] = await db.sql`
      select (select count(*)::int from jobs) as jobs, (select count(*)::int from deliveries) as deliveries,
        (select count(*)::int from agent_usage) as runs`;
    expect(left).toMatchObject({ jobs: 3, deliveries: 3, runs: 0 });
    expect((await takeExpiredAssets(db, 10)).toSorted()).toEqual([hash('1'), hash('a')]);
    expect(await readUsage(db, { days: 1, personId: mei })).toMatchObject([
      { jobs: 6, images: 5, gpuSeconds: 20, inputTokens: 100, microDollars: 7 },
    ]);

    const file = gunzipSync(await readFile(path.join(folder, '2026-11.ndjson.gz'))).toString();
    const lines = file
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { request: { id: string }; jobs: { id: string }[] });
    expect(lines.map(({ request }) => request.id).toSorted()).toEqual(
      [old.requestId, shared.requestId, cancelled].toSorted(),
    );
    expect(lines.find(({ request }) => request.id === old.requestId)).toMatchObject({
      jobs: [{ id: old.jobId, residency_key: 'sdxl' }],
      outputs: [{ hash: hash('a') }],
    });
  });

  it('leaves everything as it is when the archive cannot be written, and while another is at it', async () => {
    const { requestId } = await finished('e', 91);
    await expect(expireHistory(db, rules, () => Promise.reject(new Error('the disk is full')))).rejects.toThrow(
      'nothing was deleted',
    );
    expect(await requestIds()).toContain(requestId);
    const inside = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const first = expireHistory(db, rules, () => {
      inside.resolve();
      return go.promise;
    });
    await inside.promise;
    expect(await expireHistory(db, rules)).toBe(0);
    go.resolve();
    expect(await first).toBe(1);
    expect(await requestIds()).not.toContain(requestId);
  });
});
