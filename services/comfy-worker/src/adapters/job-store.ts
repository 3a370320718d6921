import type { Database } from '@atelier/shared/db/connect-database';
import { forgetResident } from '@atelier/shared/db/instances/forget-resident';
import { reportInstance } from '@atelier/shared/db/instances/instance-store';
import {
  cancelJob,
  failJob,
  finishJob,
  markPosted,
  markPosting,
  markRunning,
  markStoring,
  markWithdrawing,
  pickQueuedJob,
  requeueJob,
} from '@atelier/shared/db/jobs/job-transitions';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { adoptJobs, rescueStranded } from '@atelier/shared/db/jobs/take-over-jobs';
import type { OutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import type { JobStore } from '../ports.ts';

/** {@link JobStore} on Postgres. */
export function createJobStore(db: Database, relay: Pick<OutboxRelay, 'nudge'>): JobStore {
  /** Sends what a change owes; no rows at all means that nothing was changed. */
  function changed(outbox: OutboxRow[] | undefined): boolean {
    if (outbox === undefined) return false;
    relay.nudge(outbox);
    return true;
  }
  return {
    snapshot: () => readQueueSnapshot(db),
    pick: (instance, pick) => pickQueuedJob(db, instance, pick),
    read: (jobId) => readJob(db, jobId),
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
    finish: async (lease, result) => changed(await finishJob(db, lease, result)),
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
