import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { acquireInstance, renewInstance, type AcquiredInstance } from '../instances/instance-store.ts';
import { setJobPriority } from '../operators/set-job-priority.ts';
import { cancelRequest } from '../requests/cancel-request.ts';
import { holdTestInstance, lapseTestInstance, pickTestJob, queueTestJobs } from '../testing/queue-fixtures.ts';
import { readRunningRequestId } from '../gateway/person-requests.ts';
import { finishJob, finishJobs } from './finish-jobs.ts';
import { cancelJob, markPosted, markRunning, markStoring, requeueJob } from './job-transitions.ts';
import type { JobLease } from './job-lease.ts';
import type { JobRecord } from './job-row.ts';
import { pickQueuedJob, pickQueuedJobs } from './pick-jobs.ts';
import { readQueueSnapshot } from './queue-snapshot.ts';
import { readJob } from './read-jobs.ts';
import { adoptJobs, rescueStranded } from './take-over-jobs.ts';

const db = useMigratedDatabase();

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

describe('several picks in one statement', () => {
  /** What picks leave behind, by person; `together` in one statement or one after the other. */
  async function pickThree(together: boolean): Promise<unknown> {
    await db.sql`truncate requests, jobs, instances, fair_shares, outbox, people, identities cascade`;
    await db.sql`update queue_state set floor_gpu_seconds = 7`;
    const mei = await queueTestJobs(db, 2, 'mei', { residencyKey: 'sdxl + lora' });
    const ana = await queueTestJobs(db, 1, 'ana', { residencyKey: 'sdxl' });
    await db.sql`update fair_shares set charged_gpu_seconds = 3, weight = 2 where person_id = (select person_id from jobs where id = ${ana.jobIds[0]!})`;
    const instance = await holdTestInstance(db);
    await db.sql`update instances set resident_key = 'sdxl', resident_seconds = 100`;
    const { version } = await readQueueSnapshot(db);
    const picks = [
      { jobId: mei.jobIds[0]!, floorGpuSeconds: 8, chargeGpuSeconds: 1, promptId: randomUUID() },
      { jobId: ana.jobIds[0]!, floorGpuSeconds: 11, chargeGpuSeconds: 4, promptId: randomUUID() },
      { jobId: mei.jobIds[1]!, floorGpuSeconds: 12, chargeGpuSeconds: 2, promptId: randomUUID() },
    ];
    const jobs = together
      ? (await pickQueuedJobs(db, instance, version, picks)).jobs
      : await picks.reduce<Promise<(JobRecord | undefined)[]>>(
          async (before, pick, at) => [
            ...(await before),
            await pickQueuedJob(db, instance, { ...pick, queueVersion: version + at }),
          ],
          Promise.resolve([]),
        );
    expect(jobs.map((job) => job?.promptId)).toEqual(picks.map(({ promptId }) => promptId));
    return {
      shares: await db.sql`
        select p.display_name, s.charged_gpu_seconds from fair_shares s join people p on p.id = s.person_id order by 1`,
      resident: await db.sql`select resident_key, resident_seconds from instances`,
      floor: await db.sql`select floor_gpu_seconds, version - ${version}::bigint as moved from queue_state`,
      jobs: await db.sql`
        select index, state, epoch, instance_epoch, charged_gpu_seconds, posted_at is null as unposted from jobs
        order by person_id, index`,
    };
  }

  it('leave what they leave one after the other', async () => {
    const oneByOne = await pickThree(false);
    expect(oneByOne).toMatchObject({
      shares: [
        { displayName: 'ana', chargedGpuSeconds: 20 },
        { displayName: 'mei', chargedGpuSeconds: 13 },
      ],
      resident: [{ residentKey: 'sdxl + lora', residentSeconds: 107 }],
    });
    expect(await pickThree(true)).toEqual(oneByOne);
  });

  it('begin a streak anew at the last change of the checkpoint', async () => {
    const { jobIds } = await queueTestJobs(db, 3);
    await db.sql`update jobs set residency_key = 'flux + lora' where id = any(${jobIds.slice(1)}::uuid[])`;
    const instance = await holdTestInstance(db);
    await db.sql`update instances set resident_key = 'flux', resident_seconds = 100`;
    const { version } = await readQueueSnapshot(db);
    const picks = jobIds.map((jobId) => ({ jobId, floorGpuSeconds: 0, chargeGpuSeconds: 5, promptId: randomUUID() }));
    await pickQueuedJobs(db, instance, version, picks);
    const [row] = await db.sql`select resident_key, resident_seconds from instances`;
    expect(row).toEqual({ residentKey: 'flux + lora', residentSeconds: 10 });
  });

  it('leave out what was cancelled, and what somebody holds just now without waiting for it', async () => {
    const { jobIds } = await queueTestJobs(db, 3);
    await db.sql`update jobs set cancel_requested_at = now() where id = ${jobIds[0]!}`;
    const instance = await holdTestInstance(db);
    const { version } = await readQueueSnapshot(db);
    const picks = jobIds.map((jobId) => ({ jobId, floorGpuSeconds: 0, chargeGpuSeconds: 10, promptId: randomUUID() }));
    await db.sql.begin(async (transaction) => {
      await transaction`select id from jobs where id = ${jobIds[1]!} for update`;
      const { jobs } = await pickQueuedJobs(db, instance, version, picks);
      expect(jobs.map(({ id }) => id)).toEqual([jobIds[2]]);
    });
    expect(await chargeOf(jobIds[0]!)).toBe(10);
    expect(await pickQueuedJobs(db, instance, version, picks)).toEqual({ jobs: [], unreadable: [] });
  });
});

describe('several ends in one statement', () => {
  it('end each its job, and a request with the last of its jobs, and leave out whose lease was lost', async () => {
    const mei = await queueTestJobs(db, 2, 'mei');
    const ana = await queueTestJobs(db, 2, 'ana');
    const instance = await holdTestInstance(db);
    const leases: JobLease[] = [];
    for (const jobId of [...mei.jobIds, ...ana.jobIds]) leases.push(await pickTestJob(db, instance, jobId));
    const lost = { ...leases[3]!, epoch: 99 };
    const { finished, outbox } = await finishJobs(
      db,
      [...leases.slice(0, 3), lost].map((lease, index) => ({
        lease,
        outputs: [{ ...output, bytes: index }],
        gpuSeconds: index,
      })),
    );
    expect([...finished].toSorted()).toEqual([...mei.jobIds, ana.jobIds[0]!].toSorted());
    expect(outbox.filter(({ key }) => key === 'deliveryCreated').map(({ correlationId }) => correlationId)).toEqual([
      mei.requestId,
    ]);
    const rows = await db.sql`select job_id, bytes from job_outputs order by bytes`;
    expect(rows.map((row) => [row['jobId'], Number(row['bytes'])])).toEqual(
      leases.slice(0, 3).map(({ jobId }, index) => [jobId, index]),
    );
    const requests = await db.sql`select id, state, jobs_open from requests order by jobs_open`;
    expect(requests).toEqual([
      { id: mei.requestId, state: 'succeeded', jobsOpen: 0 },
      { id: ana.requestId, state: 'working', jobsOpen: 1 },
    ]);
    expect(await chargeOf(mei.jobIds[0]!)).toBe(1);
    expect(await chargeOf(ana.jobIds[0]!)).toBe(12);
  });

  it('wait for no row that somebody holds just now, as one alone does', async () => {
    const { jobIds } = await queueTestJobs(db, 2);
    const instance = await holdTestInstance(db);
    const leases: JobLease[] = [];
    for (const jobId of jobIds) leases.push(await pickTestJob(db, instance, jobId));
    const ends = leases.map((lease) => ({ lease, outputs: [output], gpuSeconds: 1 }));
    let alone: Promise<unknown> = Promise.resolve();
    await db.sql.begin(async (transaction) => {
      await transaction`select id from jobs where id = ${jobIds[0]!} for update`;
      expect([...(await finishJobs(db, ends)).finished]).toEqual([jobIds[1]]);
      alone = finishJobs(db, ends.slice(0, 1));
      await vi.waitFor(async () => expect(await lockWaiters()).toBe(1));
    });
    expect(await alone).toMatchObject({ finished: new Set([jobIds[0]]) });
  });
});

describe('statements that change several jobs', () => {
  it.each(['a beat', 'a cancel', 'an operator’s priority'])(
    'lock them in the order of their ids: %s',
    async (which) => {
      const { requestId, jobIds } = await queueTestJobs(db, 6);
      const instance = await holdTestInstance(db);
      for (const jobId of jobIds) await pickTestJob(db, instance, jobId);
      const [first] = jobIds.toSorted();
      // To the end of the table.
      await db.sql`update jobs set residency_key = 'other', recipe = 'other' where id = ${first!}`;
      let changing: Promise<unknown> = Promise.resolve();
      await db.sql.begin(async (transaction) => {
        await transaction`select id from jobs where id = ${first!} for update`;
        if (which === 'a beat') changing = renewInstance(db, instance, 60_000);
        else if (which === 'a cancel') changing = cancelRequest(db, requestId);
        else changing = setJobPriority(db, { actor: 'op', target: { requestId }, priority: 5 });
        await vi.waitFor(async () => expect(await lockWaiters()).toBe(1));
        const free = await db.sql`select id from jobs for no key update skip locked`;
        expect(free).toHaveLength(5);
      });
      await changing;
      const [row] = await db.sql`
      select count(*) filter (where cancel_requested_at is not null)::int as cancelled,
        count(*) filter (where priority = 5)::int as first from jobs`;
      expect(row).toEqual({
        cancelled: which === 'a cancel' ? 6 : 0,
        first: which === 'an operator’s priority' ? 6 : 0,
      });
    },
  );
});

describe('what a bare interrupt stops', () => {
  it('is what runs, never what only waits in ComfyUI or is being stored', async () => {
    const waiting = await queueTestJobs(db, 1);
    const running = await queueTestJobs(db, 1);
    const instance = await holdTestInstance(db);
    const personId = (await readJob(db, waiting.jobIds[0]!))!.personId;
    await markPosted(db, await pickTestJob(db, instance, waiting.jobIds[0]!));
    expect(await readRunningRequestId(db, personId)).toBeUndefined();
    const lease = await pickTestJob(db, instance, running.jobIds[0]!);
    await markRunning(db, lease);
    expect(await readRunningRequestId(db, personId)).toBe(running.requestId);
    await markStoring(db, lease);
    expect(await readRunningRequestId(db, personId)).toBeUndefined();
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

  it('shows everybody something, however many kinds of jobs one person has queued', async () => {
    await queueTestJobs(db, 4, 'mei');
    await db.sql`update jobs set residency_key = 'sdxl + ' || seq`;
    const tom = await queueTestJobs(db, 1, 'tom');
    const { queued } = await readQueueSnapshot(db, 3);
    expect(queued.map((job) => job.id)).toContain(tom.jobIds[0]);
  });

  it('shows the first of each kind, however many kinds its person and however many jobs others have queued', async () => {
    await queueTestJobs(db, 8, 'tom');
    const mei = await queueTestJobs(db, 4, 'mei');
    await db.sql`update jobs set priority = 1, residency_key = 'sdxl + ' || seq where id = any(${mei.jobIds})`;
    const { queued } = await readQueueSnapshot(db, 5);
    expect(queued.map((job) => job.id)).toEqual(expect.arrayContaining(mei.jobIds));
  });

  it('shows what a smaller GPU can run behind many jobs that it cannot', async () => {
    await queueTestJobs(db, 4, 'mei', { vramGb: 24 });
    const small = await queueTestJobs(db, 1, 'mei', { vramGb: 12 });
    const { queued } = await readQueueSnapshot(db, 3);
    expect(queued.map((job) => job.id)).toContain(small.jobIds[0]);
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
