import { randomUUID } from 'node:crypto';
import type { NewJob } from '../../contracts/job.ts';
import type { Database } from '../connect-database.ts';
import { acquireInstance, type AcquiredInstance } from '../instances/instance-store.ts';
import type { JobLease } from '../jobs/job-lease.ts';
import { pickQueuedJob } from '../jobs/pick-jobs.ts';
import { readQueueSnapshot } from '../jobs/queue-snapshot.ts';
import { acceptRequest } from '../requests/accept-request.ts';
import { claimRequests } from '../requests/agent-lease.ts';
import { planRequest } from '../requests/plan-request.ts';

/** A job as an agent would write it, with ten seconds of GPU expected. */
export function newTestJob(requestId: string, index: number, changes: Partial<NewJob> = {}): NewJob {
  return {
    id: randomUUID(),
    requestId,
    index,
    class: 'interactive',
    recipe: 'sdxl',
    workflowText: '{"1":{"class_type":"SaveImage","inputs":{}}}',
    inputs: [],
    classes: ['SaveImage'],
    residencyKey: 'sdxl',
    estimateKey: 'sdxl',
    estimatedGpuSeconds: 10,
    images: 1,
    timeLimitSeconds: 600,
    ...changes,
  };
}

/** Queues the jobs of one planned request. */
export async function queueTestJobs(
  db: Database,
  count: number,
  person = 'mei',
  changes: Partial<NewJob> = {},
): Promise<{ requestId: string; jobIds: string[] }> {
  const { requestId } = await acceptRequest(db, {
    eventId: randomUUID(),
    user: { door: 'web', id: person, displayName: person, language: 'en' },
    place: { door: 'web', id: person },
    body: { kind: 'words', text: 'a fox' },
  });
  const holder = randomUUID();
  const [claimed] = await claimRequests(db, { holder, leaseMs: 5_000, limit: 1, requestId });
  const jobs = Array.from({ length: count }, (_, index) => newTestJob(requestId, index, changes));
  const plan = {
    recipe: 'sdxl',
    recipeTitle: { en: 'SDXL', zh: 'SDXL' },
    prompt: 'a fox',
    count,
    seed: '1',
    notes: [],
  };
  const planned = await planRequest(db, { requestId, holder, epoch: claimed?.agentEpoch ?? 0 }, plan, jobs);
  if (planned === undefined) throw new Error('the test request could not be planned');
  return { requestId, jobIds: jobs.map((job) => job.id) };
}

/** Takes the lease of an instance that nobody holds. */
export async function holdTestInstance(db: Database, instanceId = 'gpu0', leaseMs = 5_000): Promise<AcquiredInstance> {
  const instance = await acquireInstance(db, { instanceId, holder: randomUUID(), leaseMs, newClientId: randomUUID() });
  if (instance === undefined) throw new Error(`${instanceId} is held by another`);
  return instance;
}

/** Picks one named job, charged with ten seconds, straight to `posting`. */
export async function pickTestJob(db: Database, instance: AcquiredInstance, jobId: string): Promise<JobLease> {
  const { version } = await readQueueSnapshot(db);
  const job = await pickQueuedJob(db, instance, {
    jobId,
    queueVersion: version,
    floorGpuSeconds: 0,
    chargeGpuSeconds: 10,
    promptId: randomUUID(),
  });
  if (job === undefined) throw new Error('the test job was not picked');
  return { jobId, epoch: job.epoch, instance };
}

/** Lets the leases of an instance and its jobs lapse, `agoMs` before now. */
export async function lapseTestInstance(db: Database, instanceId: string, agoMs = 1): Promise<void> {
  await db.sql`
    update instances set lease_expires_at = clock_timestamp() - ${agoMs} * interval '1 millisecond' where id = ${instanceId}`;
  await db.sql`
    update jobs set lease_expires_at = clock_timestamp() - ${agoMs} * interval '1 millisecond' where instance_id = ${instanceId}`;
}
