import { setTimeout as sleep } from 'node:timers/promises';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { AppError } from '@atelier/shared/errors/app-error';
import { unstartedRetryMs } from './decide-end.ts';
import type { HeldJob, RunJobDeps } from './held-job.ts';
import { jobErrors } from './job-errors.ts';
import { LeaseLostError, mustHold } from './lease-lost-error.ts';
import { runJob } from './run-job.ts';

export interface PickedJob {
  job: JobRecord;
  /** Its POST was surely not sent yet. */
  unsent: boolean;
  /** What runs of its kind took so far; absent while none was measured. */
  expectedMs: number | undefined;
}

/** Runs one job until it has ended or its lease is gone, going on from its row whenever a part was away meanwhile. */
export async function carryOutJob(deps: RunJobDeps, picked: PickedJob, cancel: AbortSignal): Promise<void> {
  const { tenure, store } = deps;
  const { job } = picked;
  const held: HeldJob = {
    job,
    lease: { jobId: job.id, epoch: job.epoch, instance: tenure.instance },
    entry: deps.line.enter(job, picked.expectedMs),
    cancel,
    unsent: picked.unsent,
    arrived: false,
    log: deps.log.child({ request_id: job.requestId, job_id: job.id }),
  };
  try {
    while (!tenure.signal.aborted) {
      try {
        await runJob(deps, held);
        return;
      } catch (error) {
        if (tenure.signal.aborted) return;
        if (held.unsent && error instanceof ComfyError && isPassing(error)) {
          // Nothing of it is in this ComfyUI, so another may have it.
          held.log.warn({ err: error }, 'ComfyUI went away before it was posted; back to the queue');
          mustHold(await store.requeue(held.lease, { afterMs: unstartedRetryMs }));
          return;
        }
        // A lease that was lost shows in the row; one that was not must not leave the job to nobody.
        if (!isPassing(error) && !(error instanceof LeaseLostError)) throw error;
        held.log.warn({ err: error }, 'a part was away; going on with this job as soon as it answers');
        const row = await readPatiently(deps, held);
        if (row === undefined) return;
        held.job = row;
      }
    }
  } catch (error) {
    if (tenure.signal.aborted) return;
    held.log.error({ err: error }, 'this job met a bug of ours; it fails, the others go on');
    await store.fail(held.lease, { state: 'failed', error: jobErrors.internal(), gpuSeconds: 0 });
  } finally {
    held.entry.leave();
  }
}

/** The row as it is now, or undefined when it is not ours to go on with. */
async function readPatiently({ store, tenure, timings }: RunJobDeps, held: HeldJob): Promise<JobRecord | undefined> {
  for (;;) {
    await sleep(timings.retryMs, undefined, { signal: tenure.signal });
    try {
      const row = await store.read(held.job.id);
      if (row !== undefined && row.epoch === held.lease.epoch && row.finishedAt === null) return row;
      held.log.info({ state: row?.state }, 'this job has ended, or is in other hands');
      return undefined;
    } catch (error) {
      if (!isPassing(error)) throw error;
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'unavailable';
  return error instanceof ComfyError && (error.code === 'unreachable' || error.code === 'malformed');
}
