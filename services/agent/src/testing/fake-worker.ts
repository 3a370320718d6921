import { createHash, randomUUID } from 'node:crypto';
import type { JobError } from '@atelier/shared/contracts/job';
import type { Database } from '@atelier/shared/db/connect-database';
import { acquireInstance, type AcquiredInstance } from '@atelier/shared/db/instances/instance-store';
import { finishJob } from '@atelier/shared/db/jobs/finish-jobs';
import { failJob } from '@atelier/shared/db/jobs/job-transitions';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { pickTestJob } from '@atelier/shared/db/testing/queue-fixtures';

export interface FakeWorker {
  /** Takes an instance's lease, as a worker does at its start. */
  hold(instanceId: string): Promise<AcquiredInstance>;
  /** Ends the queued jobs of a request with a picture each, or with what is given. @returns the hashes of the pictures. */
  finish(requestId: string, result?: { picture?: Uint8Array; gpuSeconds?: number }): Promise<string[]>;
  /** Ends the queued jobs of a request without one. */
  fail(requestId: string, error: Partial<JobError>): Promise<void>;
}

/** Nobody renews it, and the long suites run for a quarter of an hour. */
const leaseMs = 6 * 3_600_000;

/** Does jobs by the same statements as the worker, without a GPU. */
export function createFakeWorker(db: Database, outbox: Pick<OutboxRelay, 'nudge'>): FakeWorker {
  const holder = randomUUID();
  const held = new Map<string, AcquiredInstance>();

  async function hold(instanceId: string): Promise<AcquiredInstance> {
    const instance = await acquireInstance(db, { instanceId, holder, leaseMs, newClientId: randomUUID() });
    if (instance === undefined) throw new Error(`${instanceId} is held by another`);
    held.set(instanceId, instance);
    return instance;
  }

  async function pickAll(requestId: string) {
    const instance = held.values().next().value ?? (await hold('gpu-0'));
    const queued = (await readJobsOfRequests(db, [requestId])).filter(({ state }) => state === 'queued');
    const leases = [];
    for (const job of queued) leases.push({ job, lease: await pickTestJob(db, instance, job.id) });
    return leases;
  }

  return {
    hold,
    async finish(requestId, { picture, gpuSeconds = 4 } = {}) {
      const hashes: string[] = [];
      for (const { job, lease } of await pickAll(requestId)) {
        const outputs = Array.from({ length: Math.max(1, job.images) }, (_, index) => {
          const hash = createHash('sha256')
            .update(picture ?? `${job.id} ${index}`)
            .digest('hex');
          hashes.push(hash);
          return {
            index,
            hash,
            mediaType: 'image/png',
            bytes: 10,
            width: 512,
            height: 512,
            nodeId: 'save',
            filename: `${index}.png`,
          };
        });
        const rows = await finishJob(db, lease, { outputs, gpuSeconds });
        if (rows === undefined) throw new Error('the job was lost');
        outbox.nudge(rows);
      }
      return hashes;
    },
    async fail(requestId, error) {
      for (const { lease } of await pickAll(requestId)) {
        const rows = await failJob(db, lease, {
          state: 'failed',
          error: { code: 'execution_error', message: { en: 'The node stumbled.', zh: '节点出错。' }, ...error },
          gpuSeconds: 1,
        });
        if (rows === undefined) throw new Error('the job was lost');
        outbox.nudge(rows);
      }
    },
  };
}
