import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { followPrompt, type FollowPromptOptions, type PromptResult } from '@atelier/comfyui/client/follow-prompt';
import { outputFiles, type PromptOutputs } from '@atelier/comfyui/client/finished-prompt';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import type { PostedPrompt } from '@atelier/comfyui/client/post-answer';
import { recordPrompt, type PromptRecording } from '@atelier/comfyui/client/record-prompt';
import { withdrawPrompt } from '@atelier/comfyui/client/withdraw-prompt';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import type { JobError, JobOutput } from '@atelier/shared/contracts/job';
import type { JobLease } from '@atelier/shared/db/jobs/job-lease';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { WorkerTimings } from '../config.ts';
import type { JobStore, OutputStore } from '../ports.ts';
import { decideEnd } from './decide-end.ts';
import { explainRefusal, jobErrors } from './explain-failure.ts';
import type { Tenure } from './lease-keeper.ts';
import type { JobReporter } from './report-progress.ts';

export interface RunJobDeps {
  store: JobStore;
  client: ComfyClient;
  socket: ComfySocket;
  outputs: OutputStore;
  /** Puts the job's input files into ComfyUI; resolves to false when one is no longer stored. */
  uploadInputs: (job: JobRecord, signal: AbortSignal) => Promise<boolean>;
  reporter: (job: JobRecord) => JobReporter;
  /** An interrupt had no effect: ComfyUI's executor hangs on this prompt, and takes no other before it is restarted. */
  onStuck: (promptId: string) => void;
  tenure: Tenure;
  timings: WorkerTimings;
  log: Logger;
}

/** Thrown when a write found that its lease is gone: whoever holds it now goes on with the job. */
export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

/**
 * Brings one job that this worker holds to an end: posts it where it was not posted, adopts it where it was, follows it,
 * stores what it made. Every state in which the job may be found, by a pick or by adoption, is a way in.
 *
 * @param fresh the POST of a job in `posting` was surely not sent yet: its id was stored a moment ago, by us.
 * @param cancel fires when a cancel of this job is wanted.
 * @throws LeaseLostError; AppError `unavailable` and ComfyError `unreachable`: nothing is lost, run it again from its row.
 */
export async function runJob(deps: RunJobDeps, picked: JobRecord, fresh: boolean, cancel: AbortSignal): Promise<void> {
  const { store, tenure, timings } = deps;
  const lease: JobLease = { jobId: picked.id, epoch: picked.epoch, instance: tenure.instance };
  const log = deps.log.child({ request_id: picked.requestId, job_id: picked.id });
  const { signal } = tenure;
  let job = picked;

  if (job.state === 'leased') {
    if (await endIfCancelled()) return;
    if (!(await deps.uploadInputs(job, signal))) {
      mustHold(await store.fail(lease, { state: 'failed', error: jobErrors.inputMissing(), gpuSeconds: 0 }));
      return;
    }
    const posting = await store.posting(lease, randomUUID());
    if (posting === undefined) {
      if (await endIfCancelled()) return;
      throw new LeaseLostError('before the POST');
    }
    job = posting;
    await post(job);
  } else if (job.state === 'posting' && fresh) {
    await post(job);
  } else {
    await settle(job);
  }

  /** Ends a job that was never posted and is not wanted any more. */
  async function endIfCancelled(): Promise<boolean> {
    const row = await store.read(job.id);
    if (row?.cancelRequestedAt == null) return false;
    mustHold(await store.cancel(lease, 0));
    return true;
  }

  /** Sends the POST, with enough of the lease left, and the socket listening before. */
  async function post(posting: JobRecord): Promise<void> {
    const promptId = promptIdOf(posting);
    const recording = recordPrompt(deps.socket, promptId);
    try {
      while (tenure.validForMs() < timings.postMarginMs) await sleep(timings.beatMs / 4, undefined, { signal });
      let answer: PostedPrompt;
      try {
        answer = await deps.client.postPrompt({
          promptId,
          workflow: posting.workflowText,
          extraData: {
            atelier: {
              job: posting.id,
              attempt: posting.attempts + 1,
              epoch: lease.epoch,
              instance: lease.instance.instanceId,
            },
          },
        });
      } catch (error) {
        if (!(error instanceof ComfyError) || error.code !== 'unreachable') throw error;
        // The answer was lost; the prompt may be there, or may still arrive. Only looking tells.
        log.warn({ prompt_id: promptId, err: error }, 'the answer to POST /prompt was lost; looking for the prompt');
        await follow(posting, recording, false, error.status);
        return;
      }
      await afterPost(posting, answer, recording);
    } finally {
      recording.stop();
    }
  }

  async function afterPost(posting: JobRecord, answer: PostedPrompt, recording: PromptRecording): Promise<void> {
    if (answer.state === 'refused') {
      log.warn({ status: answer.status, error: answer.error.type }, 'ComfyUI refused the workflow');
      mustHold(await store.fail(lease, { state: 'failed', error: explainRefusal(answer), gpuSeconds: 0 }));
      return;
    }
    if (!tenure.signal.aborted && tenure.validForMs() > 0) {
      const held = await store.posted(lease);
      if (held.held) {
        log.debug({ prompt_id: answer.promptId, number: answer.number }, 'posted');
        await follow(posting, recording, held.cancelRequested);
        return;
      }
    }
    await removeStalePrompt(answer.promptId);
    throw new LeaseLostError('after the POST');
  }

  /** Our lease went while the POST was under way: its prompt goes too, unless the new holder has adopted that very one. */
  async function removeStalePrompt(promptId: string): Promise<void> {
    const row = await store.read(job.id);
    if (row !== undefined && row.finishedAt === null && row.promptId === promptId) return;
    log.warn({ prompt_id: promptId }, 'withdrawing a prompt that was posted under a lapsed lease');
    try {
      await deps.client.deletePending([promptId]);
      await interruptPrompt(deps.client, promptId, { deadlineAtMs: performance.now() + timings.interruptMs });
    } catch (error) {
      log.warn({ prompt_id: promptId, err: error }, 'it could not be withdrawn; the next worker here removes it');
    }
  }

  /** A job found in ComfyUI's hands, or perhaps there: the queue first, then the history. */
  async function settle(found: JobRecord): Promise<void> {
    log.info({ prompt_id: found.promptId, state: found.state }, 'looking for the prompt that this job was posted as');
    await follow(found, undefined, found.cancelRequestedAt !== null);
  }

  /** Follows the prompt to its end and does what the end means. */
  async function follow(
    row: JobRecord,
    recording?: PromptRecording,
    cancelNow = false,
    postStatus?: number,
  ): Promise<void> {
    const promptId = promptIdOf(row);
    const reporter = deps.reporter(row);
    let wasRunning = row.state === 'running' || row.state === 'storing';
    let attempts = row.attempts;
    let startedAt = performance.now();
    let marking: Promise<void> = Promise.resolve();
    let stoppedFor: 'time_limit' | 'silence' | undefined;
    let stopping: Promise<void> | undefined;
    const stored = new Map<string, Promise<JobOutput>>();
    const lanes: Promise<unknown>[] = [];
    const done = new AbortController();
    const following = AbortSignal.any([signal, done.signal]);
    const stuck = new AbortController();

    const storeOutputs = (outputs: PromptOutputs, types: (type: string) => boolean = isKept): void => {
      for (const file of outputFiles(outputs)) {
        const key = `${file.type}/${file.subfolder}/${file.filename}`;
        if (!types(file.type) || stored.has(key)) continue;
        const index = stored.size;
        const before = lanes[index % outputLanes] ?? Promise.resolve();
        const storing = before.then(() => storeWithPatience(deps, file, index, following, log));
        lanes[index % outputLanes] = storing.catch(() => {});
        stored.set(key, storing);
      }
    };
    const onCancel = (): void => {
      stopping ??= stopPatiently(promptId, following);
    };
    if (cancelNow || cancel.aborted) onCancel();
    else cancel.addEventListener('abort', onCancel, { once: true });

    let timeLimit: NodeJS.Timeout | undefined;
    // Counted while it runs: waiting behind somebody else's prompt is not its fault.
    const startTimeLimit = (): void => {
      timeLimit = setTimeout(
        () => {
          stoppedFor = 'time_limit';
          onCancel();
          // An executor that heeds no interrupt must not keep this job, and its person, for ever.
          timeLimit = setTimeout(() => stuck.abort(), timings.interruptMs);
        },
        Math.min(row.timeLimitSeconds * 1_000, maxTimerMs),
      );
    };
    if (wasRunning) startTimeLimit();
    let result: PromptResult;
    try {
      result = await followUnlessStuck(stuck.signal, {
        client: deps.client,
        promptId,
        ...(recording === undefined ? { socket: deps.socket } : { recording }),
        workflow: parseWorkflow(parseJson(row.workflowText)),
        silenceMs: timings.silenceMs,
        pollMs: timings.pollMs,
        settleMs: timings.settleMs,
        signal: AbortSignal.any([signal, stuck.signal]),
        onState(state) {
          if (state !== 'running' || wasRunning) return;
          wasRunning = true;
          attempts += 1;
          startedAt = performance.now();
          startTimeLimit();
          marking = store.running(lease).then((held) => {
            if (!held.held) return;
            if (held.cancelRequested) onCancel();
          });
          marking.catch((error: unknown) => log.debug({ err: error }, 'the start is not on record yet'));
        },
        onProgress: (progress) => reporter.progress(progress),
        onPreview: (preview) => reporter.preview(preview.image),
        onOutput: (nodeId, output) => storeOutputs({ [nodeId]: output }),
      });
      await Promise.allSettled([marking]);
      // ComfyUI's clock may be set while it runs; nothing runs longer than its limit and the time to stop it.
      const maxSeconds = row.timeLimitSeconds + timings.interruptMs / 1_000;
      const gpuSeconds = Math.min(gpuSecondsOf(result, startedAt, wasRunning), maxSeconds);
      if (stuck.signal.aborted) deps.onStuck(promptId);
      if (result.state === 'lost' && result.reason === 'silent') {
        stoppedFor = 'silence';
        const deadlineAtMs = performance.now() + timings.interruptMs;
        const interrupted = await interruptPrompt(deps.client, promptId, { signal, deadlineAtMs });
        if (interrupted.state === 'still-running') deps.onStuck(promptId);
      }
      await conclude(row, result, gpuSeconds, {
        wasRunning,
        attempts,
        stoppedFor,
        postStatus,
        outputs: storeOutputs,
        stored,
      });
    } finally {
      clearTimeout(timeLimit);
      cancel.removeEventListener('abort', onCancel);
      done.abort();
      reporter.end();
    }
  }

  /** {@link followPrompt}, ended as lost when the executor turned out to heed no interrupt. */
  async function followUnlessStuck(stuck: AbortSignal, options: FollowPromptOptions): Promise<PromptResult> {
    try {
      return await followPrompt(options);
    } catch (error) {
      if (!stuck.aborted || signal.aborted) throw error;
      return { state: 'lost', reason: 'deadline', lastSeen: 'running', outputs: {} };
    }
  }

  /** {@link stopPrompt}, again and again while a part is away or another's prompt could be hit: a wish is never forgotten. */
  async function stopPatiently(promptId: string, until: AbortSignal): Promise<void> {
    while (!until.aborted) {
      try {
        if (await stopPrompt(promptId, until)) return;
      } catch (error) {
        if (until.aborted) return;
        log.warn({ prompt_id: promptId, err: error }, 'the prompt could not be stopped yet; trying again');
      }
      await sleep(timings.retryMs, undefined, { signal: until }).catch(() => {});
    }
  }

  /** Takes a prompt out of ComfyUI wherever it is: out of the queue, or off the GPU. False: it could not be done safely. */
  async function stopPrompt(promptId: string, until: AbortSignal): Promise<boolean> {
    await store.withdrawing(lease);
    const withdrawn = await withdrawPrompt(deps.client, promptId, { signal: until, settleMs: timings.settleMs });
    if (withdrawn.state !== 'running') return true;
    const interrupted = await interruptPrompt(deps.client, promptId, { signal: until });
    log.info({ prompt_id: promptId, outcome: interrupted.state, sent: interrupted.sent }, 'interrupted');
    return interrupted.state !== 'unsafe';
  }

  interface EndOfFollowing {
    wasRunning: boolean;
    attempts: number;
    stoppedFor: 'time_limit' | 'silence' | undefined;
    postStatus: number | undefined;
    outputs: (outputs: PromptOutputs, types?: (type: string) => boolean) => void;
    stored: Map<string, Promise<JobOutput>>;
  }

  async function conclude(
    row: JobRecord,
    result: PromptResult,
    gpuSeconds: number,
    end: EndOfFollowing,
  ): Promise<void> {
    // Success beats a cancel, so then nobody needs to ask.
    const current = result.state === 'succeeded' ? undefined : await store.read(row.id);
    const decision = decideEnd(result, {
      cancelRequested: current?.cancelRequestedAt != null,
      epoch: lease.epoch,
      stoppedFor: end.stoppedFor,
      postStatus: end.postStatus,
      timeLimitSeconds: row.timeLimitSeconds,
      wasRunning: end.wasRunning,
      attempts: end.attempts,
      crashes: row.crashes,
      outOfMemory: row.outOfMemory,
    });
    log.debug({ result: result.state, decision: decision.outcome }, 'the prompt has ended');
    if (decision.outcome === 'store') {
      end.outputs(result.outputs);
      // Nothing was saved: what was only previewed is better than nothing.
      if (end.stored.size === 0) end.outputs(result.outputs, () => true);
      // Most files are stored sooner than it is written down that they are being stored.
      if (!(await settlesWithin(end.stored.values(), quickStoreMs))) mustHold(await store.storing(lease));
      await finish(gpuSeconds, end.stored);
    } else if (decision.outcome === 'cancel') {
      // From `storing` nothing is cancelled; where ComfyUI forgot its files, the queue is where the stored wish ends it.
      if (!(await store.cancel(lease, gpuSeconds))) mustHold(await store.requeue(lease));
    } else if (decision.outcome === 'requeue') {
      if (decision.outOfMemory === true) await deps.client.free({ unloadModels: true, freeMemory: true }, { signal });
      log.warn({ result: result.state, ...decision }, 'the job goes back to the queue');
      mustHold(await store.requeue(lease, decision));
    } else {
      log.warn({ error: decision.error.code, details: decision.error.details }, 'the job failed');
      mustHold(await store.fail(lease, { state: decision.state, error: decision.error, gpuSeconds }));
    }
  }

  async function finish(gpuSeconds: number, stored: Map<string, Promise<JobOutput>>): Promise<void> {
    let files: JobOutput[];
    try {
      files = await Promise.all(stored.values());
    } catch (error) {
      const cause = storingError(error);
      if (cause === undefined) throw error;
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
}

/** How long a finished job waits for its files before it is shown as `storing`. */
const quickStoreMs = 150;
/** Files fetched and stored at a time: a workflow may put out hundreds. */
const outputLanes = 4;
/** Tries for a file while ComfyUI answers everything else. */
const maxFileTries = 10;

/** Timers take no more: about 24 days. */
const maxTimerMs = 2 ** 31 - 1;

const isKept = (type: string): boolean => type === 'output';

async function settlesWithin(work: Iterable<Promise<unknown>>, ms: number): Promise<boolean> {
  const late = new AbortController();
  try {
    const settled = Promise.allSettled(work).then(() => true);
    return await Promise.race([settled, sleep(ms, false, { signal: late.signal }).catch(() => false)]);
  } finally {
    late.abort();
  }
}

function mustHold(held: boolean): void {
  if (!held) throw new LeaseLostError('the lease was lost');
}

function promptIdOf(job: JobRecord): string {
  if (job.promptId === null) throw new Error(`job ${job.id} is ${job.state} without a prompt_id: this is a bug`);
  return job.promptId;
}

/** By ComfyUI's own clock where it told both ends, else by ours. */
function gpuSecondsOf(result: PromptResult, startedAt: number, wasRunning: boolean): number {
  if (result.state === 'succeeded' && result.startedAtMs !== undefined && result.endedAtMs !== undefined) {
    return Math.max(0, (result.endedAtMs - result.startedAtMs) / 1_000);
  }
  return wasRunning ? (performance.now() - startedAt) / 1_000 : 0;
}

/** What storing failed for and waiting will not mend. */
function storingError(error: unknown): JobError | undefined {
  if (error instanceof ComfyError && error.code === 'refused') return jobErrors.outputMissing();
  if (error instanceof ComfyError && error.code === 'too_large') return outputTooLarge;
  if (error instanceof AppError && error.code === 'too_large') return outputTooLarge;
  return undefined;
}

const outputTooLarge: JobError = {
  code: 'output_too_large',
  message: {
    en: 'The finished file is larger than what is stored here. Ask for a smaller size or a shorter video.',
    zh: '生成的文件超过允许的大小。请减小尺寸或缩短视频。',
  },
};

/** Stores one output; while ComfyUI or the store is away or the disk is full, again and again: the work is done, and waits. */
async function storeWithPatience(
  deps: RunJobDeps,
  file: Parameters<OutputStore['store']>[0],
  index: number,
  signal: AbortSignal,
  log: Logger,
): Promise<JobOutput> {
  for (let failures = 0; ;) {
    try {
      return await deps.outputs.store(file, index, signal);
    } catch (error) {
      const again =
        (error instanceof ComfyError && error.code === 'unreachable') ||
        (error instanceof AppError && error.code === 'unavailable');
      if (!again || signal.aborted) throw error;
      if (error instanceof ComfyError) failures = (await answers(deps.client, signal)) ? failures + 1 : 0;
      if (failures >= maxFileTries) {
        throw new ComfyError('refused', `ComfyUI answers, and does not give ${file.filename}.`, { cause: error });
      }
      log.warn({ err: error, filename: file.filename }, 'an output could not be stored yet; trying again');
      await sleep(deps.timings.retryMs, undefined, { signal });
    }
  }
}

/** Whether ComfyUI is there at all, when one file of it is not. */
async function answers(client: Pick<ComfyClient, 'queue'>, signal: AbortSignal): Promise<boolean> {
  try {
    await client.queue({ signal });
    return true;
  } catch {
    return false;
  }
}
