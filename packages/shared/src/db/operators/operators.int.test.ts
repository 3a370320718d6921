import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { useMigratedDatabase } from '@atelier/tests/support/migrated-database';
import { reportInstance } from '../instances/instance-store.ts';
import { finishJob } from '../jobs/finish-jobs.ts';
import { failJob, markPosted, markRunning, requeueJob } from '../jobs/job-transitions.ts';
import { readQueueSnapshot } from '../jobs/queue-snapshot.ts';
import { readUsage } from '../people/read-usage.ts';
import { cancelRequest } from '../requests/cancel-request.ts';
import { firstPersonIdOf } from '../requests/accept-request.ts';
import { holdTestInstance, pickTestJob, queueTestJobs } from '../testing/queue-fixtures.ts';
import { readAdminAudit } from './admin-audit.ts';
import { pauseInstance, reserveInstance, resumeInstance } from './control-instance.ts';
import { type InstanceStatus, readInstanceHistory, readInstanceStatus } from './instance-status.ts';
import { readQuota, setQuota, setWeight } from './person-quota.ts';
import { setJobPriority } from './set-job-priority.ts';

const db = useMigratedDatabase();

beforeEach(async () => {
  await db.sql`truncate requests, jobs, job_outputs, instances, fair_shares, usage_days, quotas, admin_audit, outbox,
    deliveries, people, identities cascade`;
});

const mei = firstPersonIdOf('web', 'mei');
const actor = randomUUID();
const output = { index: 0, hash: 'a'.repeat(64), mediaType: 'image/png', bytes: 10, nodeId: '1', filename: 'x.png' };

describe('the caps of a person', () => {
  it('hold against requests of the same instant, and make room again however a job ends', async () => {
    await setQuota(db, { actor, personId: mei, quota: { gpuSecondsPerDay: null, imagesPerDay: null, pendingJobs: 6 } });
    const tries = await Promise.allSettled(Array.from({ length: 6 }, () => queueTestJobs(db, 2)));
    const planned = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    expect(planned).toHaveLength(3);
    const refused = tries.find((one) => one.status === 'rejected');
    expect(refused).toMatchObject({
      reason: {
        code: 'rate_limited',
        retry: 'never',
        publicMessage: { en: expect.stringContaining('6 of at most 6') },
      },
    });
    expect(await readQuota(db, mei)).toMatchObject({ openJobs: 6, openImages: 6, openGpuSeconds: 60, usedImages: 0 });

    const instance = await holdTestInstance(db);
    const [first, second] = planned;
    const done = await pickTestJob(db, instance, first!.jobIds[0]!);
    await finishJob(db, done, { outputs: [output], gpuSeconds: 4 });
    const failed = await pickTestJob(db, instance, first!.jobIds[1]!);
    const error = { code: 'x', message: { en: 'x', zh: 'x' } };
    await failJob(db, failed, { state: 'failed', error, gpuSeconds: 2 });
    await cancelRequest(db, second!.requestId);
    expect(await readQuota(db, mei)).toMatchObject({ openJobs: 2, openImages: 2, openGpuSeconds: 20, usedImages: 1 });
    expect(await readUsage(db, { days: 1, personId: mei })).toEqual([
      expect.objectContaining({ personName: 'mei', jobs: 4, images: 1, gpuSeconds: 6, microDollars: 0 }),
    ]);
    await queueTestJobs(db, 4);
  });

  it('count pictures and GPU seconds of a day, with what is still open', async () => {
    await setQuota(db, { actor, personId: mei, quota: { gpuSecondsPerDay: 25, imagesPerDay: 3, pendingJobs: null } });
    await queueTestJobs(db, 2);
    await expect(queueTestJobs(db, 1)).rejects.toMatchObject({ details: { limit: 'gpu_seconds' } });
    await expect(queueTestJobs(db, 2)).rejects.toMatchObject({ details: { limit: 'images' } });
    await queueTestJobs(db, 1, 'ana');
  });
});

describe('an operator', () => {
  it('puts jobs first, which the next look at the queue shows', async () => {
    const { requestId, jobIds } = await queueTestJobs(db, 2);
    const running = await pickTestJob(db, await holdTestInstance(db), jobIds[0]!);
    const { waiting, started, outbox } = await setJobPriority(db, { actor, target: { requestId }, priority: 5 });
    expect([waiting, started, outbox.length]).toEqual([1, 1, 1]);
    expect((await readQueueSnapshot(db)).queued).toMatchObject([{ id: jobIds[1], priority: 5 }]);
    await requeueJob(db, running);
    expect((await readQueueSnapshot(db)).queued.map((job) => job.priority)).toEqual([5, 5]);
    const again = await setJobPriority(db, { actor, target: { requestId }, priority: 5 });
    expect(again).toEqual({ waiting: 2, started: 0, outbox: [] });
    expect(await readAdminAudit(db, { limit: 5 })).toMatchObject([
      { actor, action: 'set_priority', target: requestId },
    ]);
  });

  it('puts a job back behind others wherever it is before it runs, and none that has ended', async () => {
    const instance = await holdTestInstance(db);
    const { requestId, jobIds } = await queueTestJobs(db, 3);
    const lower = (priority: number) => setJobPriority(db, { actor, target: { requestId }, priority });
    const posted = await pickTestJob(db, instance, jobIds[0]!);
    await markPosted(db, posted);
    const backingOff = await pickTestJob(db, instance, jobIds[1]!);
    await requeueJob(db, backingOff, { afterMs: 60_000 });
    await finishJob(db, await pickTestJob(db, instance, jobIds[2]!), { outputs: [output], gpuSeconds: 4 });
    expect(await lower(-3)).toMatchObject({ waiting: 1, started: 1 });
    expect((await readQueueSnapshot(db)).active).toMatchObject([{ id: jobIds[0], priority: -3 }]);
    await markRunning(db, posted);
    expect(await lower(-4)).toMatchObject({ waiting: 1, started: 1 });
    await cancelRequest(db, requestId);
    await finishJob(db, posted, { outputs: [output], gpuSeconds: 4 });
    expect(await lower(-5)).toEqual({ waiting: 0, started: 0, outbox: [] });
    const unplanned = await setJobPriority(db, { actor, target: { requestId: randomUUID() }, priority: 1 });
    expect(unplanned).toEqual({ waiting: 0, started: 0, outbox: [] });
  });

  it('pauses, resumes and reserves instances, each on record once', async () => {
    await holdTestInstance(db);
    expect(await pauseInstance(db, { actor, instanceId: 'gpu0' })).toBe(true);
    expect(await pauseInstance(db, { actor, instanceId: 'gpu0' })).toBe(true);
    expect((await readQueueSnapshot(db)).instances).toMatchObject([{ paused: true }]);
    await resumeInstance(db, { actor, instanceId: 'gpu0' });
    await reserveInstance(db, { actor, instanceId: 'gpu0', personIds: [mei] });
    expect((await readQueueSnapshot(db)).instances).toMatchObject([{ paused: false, reservedFor: [mei] }]);
    await reserveInstance(db, { actor, instanceId: 'gpu0', personIds: null });
    expect((await readQueueSnapshot(db)).instances).toMatchObject([{ reservedFor: null }]);
    expect(await pauseInstance(db, { actor, instanceId: 'gpu9' })).toBe(false);
    const actions = (await readAdminAudit(db, { limit: 9, target: 'gpu0' })).map(({ action }) => action);
    expect(actions).toEqual(['reserve_instance', 'reserve_instance', 'resume_instance', 'pause_instance']);
  });

  it('sees what each instance does, holds and met', async () => {
    const { jobIds } = await queueTestJobs(db, 3, 'mei', { model: 'sdxl', steps: 20, pixels: 1_000_000 });
    const instance = await holdTestInstance(db);
    const status = {
      instanceId: 'gpu0',
      state: 'busy' as const,
      foreignPrompts: 1,
      comfyuiVersion: '0.3',
      vramTotal: 25_769_803_776,
    };
    await reportInstance(db, instance, { status });
    await finishJob(db, await pickTestJob(db, instance, jobIds[0]!), { outputs: [output], gpuSeconds: 4 });
    const error = { code: 'out_of_memory', message: { en: 'x', zh: 'x' } };
    await failJob(db, await pickTestJob(db, instance, jobIds[1]!), { state: 'failed', error, gpuSeconds: 2 });
    await markRunning(db, await pickTestJob(db, instance, jobIds[2]!));
    expect(await readInstanceStatus(db)).toMatchObject([
      {
        id: 'gpu0',
        alive: true,
        reported: status,
        jobs: [{ jobId: jobIds[2], personName: 'mei', state: 'running' }],
        history: {
          residentModels: 'sdxl',
          speeds: [{ recipe: 'sdxl', model: 'sdxl', jobs: 1, gpuSeconds: 4, stepsPerSecond: 5 }],
          succeeded: 1,
          failed: 1,
          lastError: { ...error, at: expect.stringMatching(/^20/) },
        },
      },
    ]);
    const [{ history }] = (await readInstanceStatus(db)) as [InstanceStatus];
    expect(await readInstanceHistory(db, 'gpu0')).toEqual(history);
    expect(await readInstanceHistory(db, 'gpu9')).toBeUndefined();
    expect((await readQueueSnapshot(db)).instances).toMatchObject([{ vramGb: 24, foreignPrompts: 1, answers: true }]);
  });

  it('gives a person more weight without a change of their place', async () => {
    const { jobIds } = await queueTestJobs(db, 1);
    await pickTestJob(db, await holdTestInstance(db), jobIds[0]!);
    await setWeight(db, { actor, personId: mei, weight: 2 });
    const [row] = await db.sql`select charged_gpu_seconds / weight as due from fair_shares where person_id = ${mei}`;
    expect(row?.['due']).toBe(10);
  });
});
