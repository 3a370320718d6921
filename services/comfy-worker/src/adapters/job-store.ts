import type { Database } from '@atelier/shared/db/connect-database';
import { findDoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import { forgetResident } from '@atelier/shared/db/instances/forget-resident';
import { reportInstance } from '@atelier/shared/db/instances/instance-store';
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
import { pickQueuedJobs } from '@atelier/shared/db/jobs/pick-jobs';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { adoptJobs, rescueStranded } from '@atelier/shared/db/jobs/take-over-jobs';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import { gatherCalls } from '../core/gather-calls.ts';
import type { JobStore } from '../ports.ts';

/** {@link JobStore} on Postgres. */
export function createJobStore(db: Database, relay: Pick<OutboxRelay, 'nudge'>): JobStore {
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
  const finish = gatherCalls(finishTogether, maxFinishedTogether);

  return {
    snapshot: () => readQueueSnapshot(db),
    pick: (instance, queueVersion, picks) => pickQueuedJobs(db, instance, queueVersion, picks),
    read: (jobId) => readJob(db, jobId),
    wantsPreviews: async ({ requestId }) => (await findDoorPrompt(db, requestId)) !== undefined,
    async adopt(instance) {
      const { jobs, outbox } = await adoptJobs(db, instance, instance.released);
      relay.nudge(outbox);
      return jobs;
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
