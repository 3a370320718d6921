import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { createDatabase, type Database } from '../connect-database.ts';
import { acquireInstance, type AcquiredInstance } from '../instances/instance-store.ts';
import { migrateDatabase } from '../migrate-database.ts';
import { cancelRequest } from '../requests/cancel-request.ts';
import { holdTestInstance, lapseTestInstance, pickTestJob, queueTestJobs } from '../testing/queue-fixtures.ts';
import { cancelJob, finishJob, markRunning, markStoring, pickQueuedJob, requeueJob } from './job-transitions.ts';
import { readQueueSnapshot } from './queue-snapshot.ts';
import { readJob } from './read-jobs.ts';
import { adoptJobs, rescueStranded } from './take-over-jobs.ts';

const testDatabase = useTestDatabase();
let db: Database;

beforeAll(async () => {
  await migrateDatabase(testDatabase().url);
  db = createDatabase({
    url: testDatabase().url,
    poolSize: 6,
    applicationName: 'test',
    log: pino({ level: 'silent' }),
  });
});
afterAll(() => db.close());
beforeEach(async () => {
  await db.sql`truncate requests, jobs, job_outputs, instances, fair_shares, outbox, deliveries, people, identities cascade`;
  await db.sql`update queue_state set floor_gpu_seconds = 0`;
});

async function chargeOf(jobId: string): Promise<number> {
  const [row] = await db.sql`
    select s.charged_gpu_seconds from fair_shares s join jobs j on j.person_id = s.person_id where j.id = ${jobId}`;
  return Number(row?.['chargedGpuSeconds']);
}

async function lockWaiters(): Promise<number> {
  const [row] = await db.sql`
    select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return Number(row?.['waiting']);
}

const output = { index: 0, hash: 'a'.repeat(64), mediaType: 'image/png', bytes: 10, nodeId: '1', filename: 'x.png' };

describe('what a person is charged', () => {
  it('is returned once for a job that is freed from a dead instance and then cancelled', async () => {
    const { requestId, jobIds } = await queueTestJobs(db, 2);
    const instance = await holdTestInstance(db);
    const done = await pickTestJob(db, instance, jobIds[0]!);
    await finishJob(db, done, { outputs: [output], gpuSeconds: 50 });
    await pickTestJob(db, instance, jobIds[1]!);
    expect(await chargeOf(jobIds[0]!)).toBe(60);
    await lapseTestInstance(db, 'gpu0', 61_000);
    await rescueStranded(db, 60_000);
    expect(await chargeOf(jobIds[0]!)).toBe(50);
    await cancelRequest(db, requestId);
    expect((await readJob(db, jobIds[1]!))?.state).toBe('cancelled');
    expect(await chargeOf(jobIds[0]!)).toBe(50);
  });

  it('keeps a correction that was made between the look at the queue and the pick', async () => {
    const { jobIds } = await queueTestJobs(db, 2);
    const first = await holdTestInstance(db, 'gpu0');
    const second = await holdTestInstance(db, 'gpu1');
    const running = await pickTestJob(db, first, jobIds[0]!);
    const { version } = await readQueueSnapshot(db);
    await finishJob(db, running, { outputs: [output], gpuSeconds: 3 });
    const pick = { jobId: jobIds[1]!, queueVersion: version, floorGpuSeconds: 0, chargeGpuSeconds: 10 };
    expect(await pickQueuedJob(db, second, pick)).toBeDefined();
    expect(await chargeOf(jobIds[0]!)).toBe(13);
  });

  it('begins at the floor for who returns, by weight', async () => {
    const { jobIds } = await queueTestJobs(db, 1);
    const instance = await holdTestInstance(db);
    const personId = (await readJob(db, jobIds[0]!))!.personId;
    await db.sql`update fair_shares set charged_gpu_seconds = 4, weight = 2 where person_id = ${personId}`;
    await db.sql`update queue_state set floor_gpu_seconds = 30`;
    await pickTestJob(db, instance, jobIds[0]!);
    expect(await chargeOf(jobIds[0]!)).toBe(70);
  });
});

describe('a pick that is under way while its instance is taken over', () => {
  it('is seen by the next holder, or not made', async () => {
    const { jobIds } = await queueTestJobs(db, 1);
    const old = await holdTestInstance(db, 'gpu0', 400);
    const { version } = await readQueueSnapshot(db);
    let picking: Promise<unknown> = Promise.resolve();
    let acquiring: Promise<AcquiredInstance | undefined> = Promise.resolve(undefined);
    let takenBefore = false;
    await db.sql.begin(async (transaction) => {
      await transaction`select id from jobs where id = ${jobIds[0]!} for update`;
      const pick = { jobId: jobIds[0]!, queueVersion: version, floorGpuSeconds: 0, chargeGpuSeconds: 10 };
      picking = pickQueuedJob(db, old, { ...pick, promptId: randomUUID() });
      await vi.waitFor(async () => expect(await lockWaiters()).toBe(1));
      await vi.waitFor(async () => {
        const [row] = await db.sql`select lease_expires_at < clock_timestamp() as lapsed from instances`;
        expect(row?.['lapsed']).toBe(true);
      });
      let answered = false;
      acquiring = acquireInstance(db, {
        instanceId: 'gpu0',
        holder: randomUUID(),
        leaseMs: 5_000,
        newClientId: randomUUID(),
      }).finally(() => (answered = true));
      await vi.waitFor(async () => expect(answered || (await lockWaiters()) === 2).toBe(true));
      takenBefore = answered;
      if (takenBefore) await adoptJobs(db, (await acquiring)!, false);
    });
    await picking;
    const next = await acquiring;
    expect(next?.epoch).toBe(2);
    if (!takenBefore) await adoptJobs(db, next!, false);
    const [row] = await db.sql`select state, instance_epoch from jobs`;
    expect(row?.['state'] === 'queued' || row?.['instanceEpoch'] === next!.epoch).toBe(true);
    // Whatever the order of things was: nothing is left under an epoch that nobody holds.
    const [stale] = await db.sql`
      select count(*)::int as jobs from jobs j join instances i on i.id = j.instance_id where j.instance_epoch < i.epoch`;
    expect(stale?.['jobs']).toBe(0);
  });
});

describe('the look at the queue', () => {
  it('shows everybody something, however many jobs one person has queued', async () => {
    await queueTestJobs(db, 8, 'mei');
    const tom = await queueTestJobs(db, 1, 'tom');
    const { queued } = await readQueueSnapshot(db, 3);
    expect(queued).toHaveLength(3);
    expect(queued.map((job) => job.id)).toContain(tom.jobIds[0]);
    const seqs = queued.map((job) => job.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  });
});

describe('a cancel at each instant', () => {
  it('ends a job that ComfyUI forgot while its outputs were being stored', async () => {
    const { requestId, jobIds } = await queueTestJobs(db, 1);
    const lease = await pickTestJob(db, await holdTestInstance(db), jobIds[0]!);
    await markStoring(db, lease);
    await cancelRequest(db, requestId);
    expect(await cancelJob(db, lease, 0)).toBeUndefined();
    expect(await requeueJob(db, lease)).toBeDefined();
    await db.sql`update requests set cancel_requested_at = now() - interval '3 seconds'`;
    await cancelRequest(db, requestId);
    expect((await readJob(db, jobIds[0]!))?.state).toBe('cancelled');
  });

  it('ends a request of which one job failed, one succeeded and one was cancelled exactly once', async () => {
    const { requestId, jobIds } = await queueTestJobs(db, 3);
    const first = await pickTestJob(db, await holdTestInstance(db, 'gpu0'), jobIds[0]!);
    const second = await pickTestJob(db, await holdTestInstance(db, 'gpu1'), jobIds[1]!);
    await markRunning(db, first);
    await Promise.all([
      cancelRequest(db, requestId),
      finishJob(db, first, { outputs: [output], gpuSeconds: 1 }),
      requeueJob(db, second),
    ]);
    await cancelRequest(db, requestId);
    const [request] = await db.sql`select state, jobs_open, jobs_succeeded from requests where id = ${requestId}`;
    expect(request).toMatchObject({ state: 'succeeded', jobsOpen: 0, jobsSucceeded: 1 });
    expect(await db.sql`select kind from deliveries where request_id = ${requestId}`).toHaveLength(1);
  });
});
