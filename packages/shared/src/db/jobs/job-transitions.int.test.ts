import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import type { NewJob } from '../../contracts/job.ts';
import type { PlanSummary } from '../../contracts/request.ts';
import { claimDeliveries } from '../deliveries/delivery-store.ts';
import { acquireInstance, releaseInstance, renewInstance, type AcquiredInstance } from '../instances/instance-store.ts';
import { acceptRequest } from '../requests/accept-request.ts';
import { claimRequests } from '../requests/agent-lease.ts';
import { cancelRequest, finishCancels } from '../requests/cancel-request.ts';
import { planRequest } from '../requests/plan-request.ts';
import { readRequest } from '../requests/read-requests.ts';
import { newTestJob } from '../testing/queue-fixtures.ts';
import type { JobLease } from './job-lease.ts';
import type { JobRecord } from './job-row.ts';
import { finishJob } from './finish-jobs.ts';
import {
  cancelJob,
  failJob,
  markPosted,
  markPosting,
  markRunning,
  markStoring,
  requeueJob,
} from './job-transitions.ts';
import { pickQueuedJob } from './pick-jobs.ts';
import { readQueueSnapshot } from './queue-snapshot.ts';
import { readJob, readJobsOfRequests } from './read-jobs.ts';
import { adoptJobs, rescueStranded } from './take-over-jobs.ts';

const db = useMigratedDatabase();

beforeEach(async () => {
  await db.sql`truncate requests, jobs, job_outputs, instances, fair_shares, outbox, deliveries, people, identities cascade`;
});

const plan: PlanSummary = {
  recipe: 'sdxl',
  recipeTitle: { en: 'SDXL', zh: 'SDXL' },
  prompt: 'a fox',
  count: 1,
  seed: '1',
  notes: [],
};

function newJob(requestId: string, index: number): NewJob {
  // A seed that JavaScript's numbers cannot hold.
  const workflowText = '{"1":{"class_type":"SaveImage","inputs":{"seed":18446744073709551615}}}';
  return newTestJob(requestId, index, { workflowText });
}

async function queueJobs(count: number, person = 'mei'): Promise<{ requestId: string; jobIds: string[] }> {
  const { requestId } = await acceptRequest(db, {
    eventId: randomUUID(),
    user: { door: 'web', id: person, displayName: person, language: 'en' },
    place: { door: 'web', id: person },
    body: { kind: 'words', text: 'a fox' },
  });
  const holder = randomUUID();
  const [claimed] = await claimRequests(db, { holder, leaseMs: 5_000, limit: 1, requestId });
  const jobs = Array.from({ length: count }, (_, index) => newJob(requestId, index));
  const outbox = await planRequest(db, { requestId, holder, epoch: claimed?.agentEpoch ?? 0 }, plan, jobs);
  expect(outbox).toHaveLength(count + 1);
  return { requestId, jobIds: jobs.map((job) => job.id) };
}

async function hold(instanceId = 'gpu0', leaseMs = 5_000): Promise<AcquiredInstance> {
  const instance = await acquireInstance(db, { instanceId, holder: randomUUID(), leaseMs, newClientId: randomUUID() });
  if (instance === undefined) throw new Error(`${instanceId} is held by another`);
  return instance;
}

async function pick(instance: AcquiredInstance, jobId: string, promptId?: string): Promise<JobRecord | undefined> {
  const { version } = await readQueueSnapshot(db);
  return pickQueuedJob(db, instance, {
    jobId,
    queueVersion: version,
    floorGpuSeconds: 0,
    chargeGpuSeconds: 10,
    ...(promptId === undefined ? {} : { promptId }),
  });
}

async function mustPick(instance: AcquiredInstance, jobId: string): Promise<{ job: JobRecord; lease: JobLease }> {
  const job = await pick(instance, jobId, randomUUID());
  if (job === undefined) throw new Error('not picked');
  return { job, lease: { jobId, epoch: job.epoch, instance } };
}

const output = {
  index: 0,
  hash: 'a'.repeat(64),
  mediaType: 'image/png',
  bytes: 10,
  width: 64,
  height: 64,
  nodeId: '1',
  filename: 'x.png',
};

async function letInstanceLapse(instanceId: string, agoMs = 1): Promise<void> {
  await db.sql`
    update instances set lease_expires_at = clock_timestamp() - ${agoMs} * interval '1 millisecond' where id = ${instanceId}`;
  await db.sql`
    update jobs set lease_expires_at = clock_timestamp() - ${agoMs} * interval '1 millisecond' where instance_id = ${instanceId}`;
}

describe('a job from queue to result', () => {
  it('goes through its states, charges its person by what was used, and ends its request with one delivery', async () => {
    const { requestId, jobIds } = await queueJobs(1);
    const instance = await hold();
    const { job, lease } = await mustPick(instance, jobIds[0]!);
    expect(job).toMatchObject({
      state: 'posting',
      epoch: 1,
      attempts: 0,
      workflowText: newJob(requestId, 0).workflowText,
    });
    expect(await markPosted(db, lease)).toEqual({ held: true, cancelRequested: false });
    const running = await markRunning(db, lease);
    expect(running.held).toEqual({ held: true, cancelRequested: false });
    expect(running.outbox).toHaveLength(1);
    expect((await markRunning(db, lease)).outbox).toHaveLength(0);
    expect(await markStoring(db, lease)).toBe(true);
    const outbox = await finishJob(db, lease, { outputs: [output], gpuSeconds: 4 });
    expect(new Set(outbox?.map((row) => row.key))).toEqual(
      new Set(['deliveryCreated', 'jobChanged', 'requestChanged']),
    );
    const [stored] = await readJobsOfRequests(db, [requestId]);
    expect(stored).toMatchObject({ state: 'succeeded', attempts: 1, gpuSeconds: 4, outputs: [output] });
    expect(await readRequest(db, requestId)).toMatchObject({ state: 'succeeded', jobsOpen: 0, jobsSucceeded: 1 });
    const [share] = await db.sql`select charged_gpu_seconds from fair_shares`;
    expect(share?.['chargedGpuSeconds']).toBe(4);
    const deliveries = await claimDeliveries(db, { doors: ['web'], holder: randomUUID(), leaseMs: 1_000, limit: 10 });
    expect(deliveries.map((delivery) => delivery.kind)).toEqual(['result']);
  });

  it('ends a request once when two workers end its last two jobs at the same time', async () => {
    const { requestId, jobIds } = await queueJobs(2);
    const first = await hold('gpu0');
    const second = await hold('gpu1');
    const a = await mustPick(first, jobIds[0]!);
    const b = await mustPick(second, jobIds[1]!);
    await Promise.all([a, b].map(({ lease }) => finishJob(db, lease, { outputs: [output], gpuSeconds: 1 })));
    expect(await readRequest(db, requestId)).toMatchObject({ state: 'succeeded', jobsOpen: 0, jobsSucceeded: 2 });
    const rows = await db.sql`select kind from deliveries where request_id = ${requestId}`;
    expect(rows).toHaveLength(1);
  });

  it('lets only one of two racing picks have a job', async () => {
    const { jobIds } = await queueJobs(1);
    const [first, second] = await Promise.all([hold('gpu0'), hold('gpu1')]);
    const picks = await Promise.all([pick(first, jobIds[0]!, randomUUID()), pick(second, jobIds[0]!, randomUUID())]);
    expect(picks.filter((job) => job !== undefined)).toHaveLength(1);
  });

  it('keeps the error of a failed job for the request', async () => {
    const { requestId, jobIds } = await queueJobs(1);
    const { lease } = await mustPick(await hold(), jobIds[0]!);
    const error = { code: 'execution_failed', message: { en: 'It failed.', zh: '失败。' }, nodeId: '3' };
    await failJob(db, lease, { state: 'failed', error, gpuSeconds: 1 });
    expect(await readRequest(db, requestId)).toMatchObject({
      state: 'failed',
      error: { code: 'execution_failed', message: error.message },
    });
  });
});

describe('the fences', () => {
  it('writes nothing under an instance lease that another has taken over', async () => {
    const { jobIds } = await queueJobs(1);
    const old = await hold();
    const { lease } = await mustPick(old, jobIds[0]!);
    await letInstanceLapse('gpu0');
    expect(await markPosted(db, lease)).toEqual({ held: false });
    const next = await hold();
    expect(next.epoch).toBe(2);
    expect(next.clientId).toBe(old.clientId);
    const { jobs } = await adoptJobs(db, next, next.released);
    expect(jobs).toMatchObject([{ id: jobIds[0], epoch: 2, state: 'posting', takeovers: 0 }]);
    expect(await renewInstance(db, old, 5_000)).toEqual({ outcome: 'lost' });
    expect(await finishJob(db, lease, { outputs: [output], gpuSeconds: 1 })).toBeUndefined();
    expect(await requeueJob(db, lease)).toBeUndefined();
    expect((await readJob(db, jobIds[0]!))?.state).toBe('posting');
    const held: JobLease = { jobId: jobIds[0]!, epoch: 2, instance: next };
    expect(await markPosted(db, held)).toEqual({ held: true, cancelRequested: false });
  });

  it('does not renew a lapsed lease, although nobody took it', async () => {
    const instance = await hold();
    await letInstanceLapse('gpu0');
    expect(await renewInstance(db, instance, 5_000)).toEqual({ outcome: 'lost' });
    expect(await hold()).toMatchObject({ epoch: 2, released: false });
  });

  it('counts a takeover for what ran when its worker died, and none after an ordered end', async () => {
    const { jobIds } = await queueJobs(1);
    const first = await hold();
    await markRunning(db, (await mustPick(first, jobIds[0]!)).lease);
    await letInstanceLapse('gpu0');
    const second = await hold();
    expect((await adoptJobs(db, second, second.released)).jobs).toMatchObject([{ takeovers: 1, attempts: 1 }]);
    await releaseInstance(db, second);
    const third = await hold();
    expect(third.released).toBe(true);
    expect((await adoptJobs(db, third, third.released)).jobs).toMatchObject([{ takeovers: 1, attempts: 1 }]);
  });

  it('frees what was only prepared at once, and what may be in ComfyUI after the time for its next worker', async () => {
    const { jobIds } = await queueJobs(2);
    const instance = await hold();
    await pick(instance, jobIds[0]!);
    await mustPick(instance, jobIds[1]!);
    await letInstanceLapse('gpu0');
    await rescueStranded(db, 60_000);
    expect((await readJob(db, jobIds[0]!))?.state).toBe('queued');
    expect((await readJob(db, jobIds[1]!))?.state).toBe('posting');
    await letInstanceLapse('gpu0', 61_000);
    await rescueStranded(db, 60_000);
    expect(await readJob(db, jobIds[1]!)).toMatchObject({ state: 'queued', promptId: null, instanceId: null });
  });

  it('returns the charge of a job that goes back to the queue', async () => {
    const { jobIds } = await queueJobs(1);
    const { lease } = await mustPick(await hold(), jobIds[0]!);
    await requeueJob(db, lease, { crashed: true });
    const [share] = await db.sql`select charged_gpu_seconds from fair_shares`;
    expect(share?.['chargedGpuSeconds']).toBe(0);
    expect(await readJob(db, jobIds[0]!)).toMatchObject({ state: 'queued', crashes: 1, promptId: null });
  });
});

describe('cancelling', () => {
  it('ends what waits at once, with the request', async () => {
    const { requestId } = await queueJobs(2);
    const result = await cancelRequest(db, requestId);
    expect(result).toMatchObject({ outcome: 'cancelling', jobIds: [] });
    expect(await readRequest(db, requestId)).toMatchObject({ state: 'cancelled', jobsOpen: 0 });
    expect(await cancelRequest(db, requestId)).toEqual({ outcome: 'finished' });
  });

  it('is a mark on what a worker holds, seen by every later step, and stops a POST', async () => {
    const { requestId, jobIds } = await queueJobs(1);
    const instance = await hold();
    const leased = await pick(instance, jobIds[0]!);
    const lease: JobLease = { jobId: jobIds[0]!, epoch: leased?.epoch ?? 0, instance };
    expect(await cancelRequest(db, requestId)).toMatchObject({ outcome: 'cancelling', jobIds });
    expect(await markPosting(db, lease, randomUUID())).toBeUndefined();
    expect(await renewInstance(db, instance, 5_000)).toMatchObject({ cancelledJobIds: jobIds });
    expect(await cancelJob(db, lease, 0)).toBeDefined();
    expect((await readRequest(db, requestId))?.state).toBe('cancelled');
  });

  it('comes too late once the outputs are being stored', async () => {
    const { requestId, jobIds } = await queueJobs(1);
    const { lease } = await mustPick(await hold(), jobIds[0]!);
    await markStoring(db, lease);
    await cancelRequest(db, requestId);
    expect(await cancelJob(db, lease, 0)).toBeUndefined();
    expect(await finishJob(db, lease, { outputs: [output], gpuSeconds: 1 })).toBeDefined();
    expect((await readRequest(db, requestId))?.state).toBe('succeeded');
  });

  it('belongs to the person who asked', async () => {
    const { requestId } = await queueJobs(1);
    expect(await cancelRequest(db, requestId, randomUUID())).toEqual({ outcome: 'not_found' });
  });

  it('is carried out by the sweep when whoever asked died halfway', async () => {
    const { requestId } = await queueJobs(1);
    await db.sql`update requests set cancel_requested_at = now() - interval '3 seconds' where id = ${requestId}`;
    await finishCancels(db);
    expect((await readRequest(db, requestId))?.state).toBe('cancelled');
  });
});

describe('accepting', () => {
  it('takes the same platform event once', async () => {
    const request = {
      eventId: 'e1',
      user: { door: 'discord', id: '42', displayName: 'Mei', language: 'zh' },
      place: { door: 'discord', id: 'c1' },
      body: { kind: 'words', text: '狐狸' },
    } as const;
    const results = await Promise.all([acceptRequest(db, request), acceptRequest(db, request)]);
    expect(results.filter((result) => result.created)).toHaveLength(1);
    expect(results[0]?.requestId).toBe(results[1]?.requestId);
    const rows = await db.sql`select kind from deliveries`;
    expect(rows.map((row) => row['kind'])).toEqual(['card']);
  });
});
