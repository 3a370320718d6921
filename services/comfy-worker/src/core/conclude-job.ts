import type { PromptResult } from '@atelier/comfyui/client/prompt-result';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { JobError, JobOutput } from '@atelier/shared/contracts/job';
import { AppError } from '@atelier/shared/errors/app-error';
import type { OutputCollector } from './collect-outputs.ts';
import { decideEnd } from './decide-end.ts';
import { timeLimitSecondsOf, type HeldJob, type RunJobDeps } from './held-job.ts';
import { jobErrors } from './job-errors.ts';
import { mustHold } from './lease-lost-error.ts';

/** What following a prompt has shown beside its result. */
export interface EndOfFollowing {
  /** It was seen executing. */
  wasRunning: boolean;
  attempts: number;
  stoppedFor: 'time_limit' | 'silence' | undefined;
  postStatus: number | undefined;
  /** We took it back before it started. */
  withdrawn: boolean;
  gpuSeconds: number;
  outputs: OutputCollector;
}

/** How long a finished job waits for its files before it is shown as `storing`. */
const quickStoreMs = 150;

/** Does what the end of a prompt means for its job: stores and finishes, ends it otherwise, or gives it back to the queue. */
export async function concludeJob(
  deps: RunJobDeps,
  held: HeldJob,
  result: PromptResult,
  end: EndOfFollowing,
): Promise<void> {
  const { store } = deps;
  const { job, lease, log } = held;
  const { gpuSeconds } = end;
  // Success beats a cancel, so then nobody needs to ask.
  const current = result.state === 'succeeded' ? undefined : await store.read(job.id);
  const decision = decideEnd(result, {
    cancelRequested: current?.cancelRequestedAt != null,
    epoch: lease.epoch,
    stoppedFor: end.stoppedFor,
    postStatus: end.postStatus,
    withdrawn: end.withdrawn,
    timeLimitSeconds: timeLimitSecondsOf(deps, job),
    wasRunning: end.wasRunning,
    attempts: end.attempts,
    crashes: job.crashes,
    outOfMemory: job.outOfMemory,
  });
  log.debug({ result: result.state, decision: decision.outcome }, 'the prompt has ended');
  // Whatever forgot a prompt forgot its models with it.
  if (result.state === 'lost' && !end.withdrawn) deps.onMemoryLost();
  if (decision.outcome === 'store') {
    end.outputs.complete(result.outputs);
    // Most files are stored sooner than it is written down that they are being stored.
    if (!(await end.outputs.settlesWithin(quickStoreMs))) mustHold(await store.storing(lease));
    await finish(deps, held, end);
  } else if (decision.outcome === 'cancel') {
    // From `storing` nothing is cancelled; where ComfyUI forgot its files, the queue is where the stored wish ends it.
    if (!(await store.cancel(lease, gpuSeconds))) mustHold(await store.requeue(lease));
  } else if (decision.outcome === 'requeue') {
    if (decision.outOfMemory === true) {
      await deps.client.free({ unloadModels: true, freeMemory: true }, { signal: deps.tenure.signal });
      deps.onMemoryLost();
    }
    log.warn({ result: result.state, ...decision }, 'the job goes back to the queue');
    mustHold(await store.requeue(lease, decision));
  } else {
    log.warn({ error: decision.error.code, details: decision.error.details }, 'the job failed');
    mustHold(await store.fail(lease, { state: decision.state, error: decision.error, gpuSeconds }));
  }
}

async function finish({ store }: RunJobDeps, { lease, log }: HeldJob, end: EndOfFollowing): Promise<void> {
  const { gpuSeconds } = end;
  let files: JobOutput[];
  try {
    files = await end.outputs.stored();
  } catch (error) {
    const cause = storingError(error);
    if (cause === undefined) throw error;
    log.error({ err: error }, 'what this job made could not be stored');
    mustHold(await store.fail(lease, { state: 'failed', error: cause, gpuSeconds }));
    return;
  }
  if (files.length === 0) {
    mustHold(await store.fail(lease, { state: 'failed', error: jobErrors.nothingMade(), gpuSeconds }));
    return;
  }
  mustHold(await store.finish(lease, { outputs: files, gpuSeconds }));
  log.info({ outputs: files.length, gpu_seconds: Math.round(gpuSeconds * 100) / 100 }, 'finished');
}

/** What storing failed for and more waiting will not mend. */
function storingError(error: unknown): JobError | undefined {
  if (error instanceof ComfyError && error.code === 'refused') return jobErrors.outputMissing();
  if (error instanceof ComfyError && error.code === 'too_large') return jobErrors.outputTooLarge();
  if (error instanceof AppError && error.code === 'too_large') return jobErrors.outputTooLarge();
  if (error instanceof AppError && error.code === 'unavailable') return jobErrors.storeAway();
  return undefined;
}
