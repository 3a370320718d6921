import type { Database } from '@atelier/shared/db/connect-database';
import { findDoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import { forgetResident } from '@atelier/shared/db/instances/forget-resident';
import { reportInstance, type InstanceLease } from '@atelier/shared/db/instances/instance-store';
import { finishJobs, maxFinishedTogether, type FinishedJob } from '@atelier/shared/db/jobs/finish-jobs';
import {
  cancelJob,
  failJob,
  markPosted,
  markPosting,
  markRunning,
  markStoring,
  markWithdrawing,
  requeueJob,
} from '@atelier/shared/db/jobs/job-transitions';
import type { JobRecord, ReadJobs } from '@atelier/shared/db/jobs/job-row';
import { pickQueuedJobs } from '@atelier/shared/db/jobs/pick-jobs';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { adoptJobs, rescueStranded } from '@atelier/shared/db/jobs/take-over-jobs';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import { gatherCalls } from '../core/gather-calls.ts';
import { jobErrors } from '../core/job-errors.ts';
import type { JobStore } from '../ports.ts';

/** Between two statements that finish jobs, where jobs end faster than that: each is a commit. */
const finishEveryMs = 10;

/** Jobs that a pick looks at: of longer queues everybody's first ones, since reading them all takes longer than a short run. */
const pickedFrom = 500;

/** {@link JobStore} on Postgres. */
export function createJobStore(db: Database, relay: Pick<OutboxRelay, 'nudge'>, log: Logger): JobStore {
  /** Sends what a change owes; no rows at all means that nothing was changed. */
  function changed(outbox: OutboxRow[] | undefined): boolean {
    if (outbox === undefined) return false;
    relay.nudge(outbox);
    return true;
  }
  async function finishedOf(jobs: readonly FinishedJob[]): Promise<ReadonlySet<string>> {
    const { finished, outbox } = await finishJobs(db, jobs);
    relay.nudge(outbox);
    return finished;
  }

  async function finishAlone(job: FinishedJob): Promise<boolean> {
    return (await finishedOf([job])).size > 0;
  }

  /** Whether each was finished. What a statement for several leaves out, or fails on, is asked for alone. */
  async function finishTogether(jobs: readonly FinishedJob[]): Promise<(boolean | Promise<boolean>)[]> {
    if (jobs.length === 1) return Promise.all(jobs.map(finishAlone));
    let finished: ReadonlySet<string> = new Set();
    try {
      finished = await finishedOf(jobs);
    } catch (error) {
      if (error instanceof AppError && error.code === 'unavailable') throw error;
    }
    return jobs.map((job) => finished.has(job.lease.jobId) || finishAlone(job));
  }
  /** Ends the jobs whose rows cannot be read, which would be picked or adopted for ever, and gives the others. */
  async function readableOf(instance: InstanceLease, { jobs, unreadable }: ReadJobs): Promise<JobRecord[]> {
    for (const { jobId, epoch, reason } of unreadable) {
      log.error({ job_id: jobId, reason }, 'this job cannot be read, and fails');
      const error = jobErrors.unreadable();
      changed(await failJob(db, { jobId, epoch, instance }, { state: 'failed', error, gpuSeconds: 0 }));
    }
    return jobs;
  }

  const finish = gatherCalls(finishTogether, { most: maxFinishedTogether, everyMs: finishEveryMs });

  return {
    snapshot: () => readQueueSnapshot(db, pickedFrom),
    pick: async (instance, queueVersion, picks) =>
      readableOf(instance, await pickQueuedJobs(db, instance, queueVersion, picks)),
    read: (jobId) => readJob(db, jobId),
    wantsPreviews: async ({ requestId }) => (await findDoorPrompt(db, requestId)) !== undefined,
    async adopt(instance) {
      const { outbox, ...adopted } = await adoptJobs(db, instance, instance.released);
      relay.nudge(outbox);
      return readableOf(instance, adopted);
    },
    posting: (lease, promptId) => markPosting(db, lease, promptId),
    posted: (lease) => markPosted(db, lease),
    async running(lease) {
      const { held, outbox } = await markRunning(db, lease);
      relay.nudge(outbox);
      return held;
    },
    withdrawing: (lease) => markWithdrawing(db, lease),
    storing: (lease) => markStoring(db, lease),
    finish: (lease, result) => finish({ lease, ...result }),
    fail: async (lease, failure) => changed(await failJob(db, lease, failure)),
    cancel: async (lease, gpuSeconds) => changed(await cancelJob(db, lease, gpuSeconds)),
    requeue: async (lease, options) => changed(await requeueJob(db, lease, options)),
    async sweep(strandedAfterMs) {
      relay.nudge(await rescueStranded(db, strandedAfterMs));
      relay.nudge(await finishCancels(db));
    },
    report: (instance, report) => reportInstance(db, instance, report),
    forgetResident: (instance) => forgetResident(db, instance),
  };
}
