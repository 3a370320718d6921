import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import type { PostedPrompt } from '@atelier/comfyui/client/post-answer';
import { recordPrompt } from '@atelier/comfyui/client/record-prompt';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { explainRefusal } from './explain-failure.ts';
import { followJob, type FollowStart } from './follow-job.ts';
import { promptIdOf, type HeldJob, type RunJobDeps } from './held-job.ts';
import { jobErrors } from './job-errors.ts';
import { LeaseLostError, mustHold } from './lease-lost-error.ts';

/**
 * Brings one job that this worker holds to an end: prepares and posts it where it was not posted, adopts it where it was,
 * follows it, stores what it made. Every state in which the job may be found, by a pick or by adoption, is a way in.
 *
 * @throws LeaseLostError; AppError `unavailable` and ComfyError `unreachable`: nothing is lost, run it again from its row.
 */
export async function runJob(deps: RunJobDeps, held: HeldJob): Promise<void> {
  const { job, log } = held;
  const isPosted = job.state !== 'leased' && !(job.state === 'posting' && held.unsent);
  if (isPosted) {
    log.info({ prompt_id: job.promptId, state: job.state }, 'looking for the prompt that this job was posted as');
    await followJob(deps, held, { cancelRequested: job.cancelRequestedAt !== null });
  } else if (await prepare(deps, held)) {
    await post(deps, held);
  }
}

/** Uploads, checks, and waits until it is this job's turn to be posted. False: it has ended, or is back in the queue. */
async function prepare(deps: RunJobDeps, held: HeldJob): Promise<boolean> {
  const { store, tenure } = deps;
  const { lease, entry, cancel } = held;
  const refusal = deps.checkWorkflow(held.job);
  if (refusal !== undefined) {
    held.log.warn({ error: refusal.code, details: refusal.details }, 'the workflow is not posted');
    mustHold(await store.fail(lease, { state: 'failed', error: refusal, gpuSeconds: 0 }));
    return false;
  }
  if (!(await deps.uploadInputs(held.job, tenure.signal))) {
    mustHold(await store.fail(lease, { state: 'failed', error: jobErrors.inputMissing(), gpuSeconds: 0 }));
    return false;
  }
  await deps.line.untilPost(entry, [tenure.signal, cancel, entry.recalled]);
  tenure.signal.throwIfAborted();
  if (cancel.aborted && (await store.cancel(lease, 0))) return false;
  if (entry.recalled.aborted) {
    held.log.info({ reason: String(entry.recalled.reason) }, 'back to the queue before it was posted');
    mustHold(await store.requeue(lease));
    return false;
  }
  if (held.job.state === 'leased') return reserve(deps, held);
  return true;
}

/** leased -> posting: from here on the prompt's id is on record. */
async function reserve({ store }: RunJobDeps, held: HeldJob): Promise<boolean> {
  const posting = await store.posting(held.lease, randomUUID());
  if (posting === undefined) {
    const row = await store.read(held.job.id);
    if (row?.cancelRequestedAt == null) throw new LeaseLostError('before the POST');
    mustHold(await store.cancel(held.lease, 0));
    return false;
  }
  held.job = posting;
  held.entry.postedAs(promptIdOf(posting));
  return true;
}

/** Sends the POST, with enough of the lease left, and the socket listening before. */
async function post(deps: RunJobDeps, held: HeldJob): Promise<void> {
  const { tenure, timings } = deps;
  const { job, lease, log } = held;
  const promptId = promptIdOf(job);
  const recording = recordPrompt(deps.socket, promptId);
  try {
    while (tenure.validForMs() < timings.postMarginMs) {
      await sleep(timings.beatMs / 4, undefined, { signal: tenure.signal });
    }
    held.unsent = false;
    let answer: PostedPrompt;
    try {
      answer = await deps.client.postPrompt({
        promptId,
        workflow: job.workflowText,
        extraData: {
          atelier: { job: job.id, attempt: job.attempts + 1, epoch: lease.epoch, instance: lease.instance.instanceId },
        },
      });
    } catch (error) {
      if (!(error instanceof ComfyError) || error.code !== 'unreachable') throw error;
      // The answer was lost; the prompt may be there, or may still arrive. Only looking tells.
      log.warn({ prompt_id: promptId, err: error }, 'the answer to POST /prompt was lost; looking for the prompt');
      await followJob(deps, held, { recording, postStatus: error.status });
      return;
    }
    await afterPost(deps, held, answer, { recording, accepted: true });
  } finally {
    recording.stop();
  }
}

async function afterPost(deps: RunJobDeps, held: HeldJob, answer: PostedPrompt, start: FollowStart): Promise<void> {
  const { store, tenure } = deps;
  if (answer.state === 'refused') {
    held.log.warn({ status: answer.status, error: answer.error.type }, 'ComfyUI refused the workflow');
    held.entry.moveTo('ended');
    mustHold(await store.fail(held.lease, { state: 'failed', error: explainRefusal(answer), gpuSeconds: 0 }));
    return;
  }
  held.arrived = true;
  try {
    if (tenure.signal.aborted || tenure.validForMs() <= 0) throw new LeaseLostError('after the POST');
    held.log.debug({ prompt_id: answer.promptId, number: answer.number }, 'posted');
    await followJob(deps, held, start);
  } catch (error) {
    if (error instanceof LeaseLostError) await removeStalePrompt(deps, held, answer.promptId);
    throw error;
  }
}

/** Our lease went while the POST was under way: its prompt goes too, unless the new holder has adopted that very one. */
async function removeStalePrompt(deps: RunJobDeps, { job, log }: HeldJob, promptId: string): Promise<void> {
  const row = await deps.store.read(job.id);
  if (row !== undefined && row.finishedAt === null && row.promptId === promptId) return;
  log.warn({ prompt_id: promptId }, 'withdrawing a prompt that was posted under a lapsed lease');
  try {
    await deps.client.deletePending([promptId]);
    const deadlineAtMs = performance.now() + deps.timings.interruptMs;
    await interruptPrompt(deps.client, promptId, { deadlineAtMs });
  } catch (error) {
    log.warn({ prompt_id: promptId, err: error }, 'it could not be withdrawn; the next worker here removes it');
  }
}
