import { promptIdOf as promptOfEvent, type ComfyEvent } from '@atelier/comfyui/client/comfy-event';
import { followPrompt, type FollowPromptOptions } from '@atelier/comfyui/client/follow-prompt';
import type { PromptResult } from '@atelier/comfyui/client/prompt-result';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import type { PromptRecording } from '@atelier/comfyui/client/record-prompt';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { parseWorkflow } from '@atelier/comfyui/graph/parse-workflow';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { collectOutputs } from './collect-outputs.ts';
import { concludeJob } from './conclude-job.ts';
import { promptIdOf, timeLimitSecondsOf, type HeldJob, type RunJobDeps } from './held-job.ts';
import { createJobMarks } from './job-marks.ts';
import { LeaseLostError } from './lease-lost-error.ts';
import { silenceMsOf } from './run-silence.ts';
import { stopPatiently, takeBack, type StopOutcome } from './stop-prompt.ts';

export interface FollowStart {
  /** What was heard since before the POST; without it the socket is listened to from now on. */
  recording?: PromptRecording;
  /** ComfyUI has just accepted the POST: to be written down. */
  accepted?: boolean;
  /** HTTP status of an answer to the POST that was neither yes nor no. */
  postStatus?: number | undefined;
  /** The row says so already. */
  cancelRequested?: boolean;
}

/**
 * Follows a job's prompt to its end, wherever it is now, and does what the end means. Stops it when a cancel is wanted or
 * its time is over; takes it back when it is called back before it started.
 *
 * @throws LeaseLostError when a write after the POST found the lease gone; what ComfyUI's or Postgres's absence throws.
 */
export async function followJob(deps: RunJobDeps, held: HeldJob, start: FollowStart): Promise<void> {
  const { store, tenure, timings } = deps;
  const { job, lease, entry, log, cancel } = held;
  const { signal } = tenure;
  const promptId = promptIdOf(job);
  const workflow = parseWorkflow(parseJson(job.workflowText));
  const reporter = deps.reporter(job);
  const done = new AbortController();
  const stuck = new AbortController();
  const taken = new AbortController();
  const lost = new AbortController();
  const following = AbortSignal.any([signal, done.signal]);
  let wasRunning = job.state === 'running' || job.state === 'storing';
  let attempts = job.attempts;
  let startedAt = performance.now();
  let stoppedFor: 'time_limit' | 'silence' | undefined;
  let stopping: Promise<void> | undefined;
  let timeLimit: NodeJS.Timeout | undefined;

  const outputs = collectOutputs({
    ...deps,
    wantsPreviews: () => store.wantsPreviews(job),
    now: () => performance.now(),
    signal: following,
    log,
  });
  const marks = createJobMarks({
    store,
    lease,
    retryMs: timings.retryMs,
    gatherMs: markGatherMs,
    signal: following,
    onCancelWanted: () => stop(),
    onLost: () => lost.abort(),
    onTrouble: (error) => log.debug({ err: error }, 'how far it is could not be written down'),
  });

  function endWhenTaken(outcome: StopOutcome): void {
    if (outcome === 'withdrawn') taken.abort();
  }
  function stop(): void {
    stopping ??= marks
      .settled()
      .then(() => stopPatiently(deps, held, following))
      .then(endWhenTaken);
  }
  function recall(): void {
    if (entry.place === 'running' || stopping !== undefined) return;
    log.info({ prompt_id: promptId, reason: String(entry.recalled.reason) }, 'taking the prompt back');
    void marks
      .settled()
      .then(() => takeBack(deps, held, following))
      .then(endWhenTaken)
      // Then it runs where it is, which is no harm.
      .catch((error: unknown) => log.debug({ err: error }, 'the prompt could not be taken back'));
  }
  // Counted while it runs: waiting behind another prompt is not its fault.
  function startTimeLimit(): void {
    timeLimit = setTimeout(
      () => {
        stoppedFor = 'time_limit';
        stop();
        // An executor that heeds no interrupt must not keep this job, and its person, for ever.
        timeLimit = setTimeout(() => stuck.abort(), timings.interruptMs);
      },
      Math.min(timeLimitSecondsOf(deps, job) * 1_000, maxTimerMs),
    );
  }
  function showState(state: 'pending' | 'running'): void {
    held.arrived = true;
    if (state === 'pending') return entry.moveTo('waiting');
    entry.moveTo('running');
    if (wasRunning) return;
    wasRunning = true;
    attempts += 1;
    startedAt = performance.now();
    startTimeLimit();
    marks.running();
  }

  if (wasRunning) {
    entry.moveTo('running');
    startTimeLimit();
  } else entry.moveTo('waiting');
  // The executor is free the moment the socket says so; what the end was is looked up meanwhile.
  const unsubscribe = deps.socket.subscribe({
    onEvent: (event) => {
      if (isEndOf(event, promptId)) entry.moveTo('ended');
    },
  });
  if (start.cancelRequested === true || cancel.aborted) stop();
  else cancel.addEventListener('abort', stop, { once: true });
  if (entry.recalled.aborted) recall();
  else entry.recalled.addEventListener('abort', recall, { once: true });
  try {
    const cut = AbortSignal.any([stuck.signal, taken.signal, lost.signal]);
    const result = followUnlessCut(cut, signal, {
      client: deps.client,
      promptId,
      ...(start.recording === undefined ? { socket: deps.socket } : { recording: start.recording }),
      accepted: start.accepted,
      workflow,
      silenceMs: silenceMsOf(workflow, entry.expectedMs, timings.silenceMs),
      pollMs: timings.pollMs,
      settleMs: timings.settleMs,
      signal: AbortSignal.any([signal, cut]),
      onState: showState,
      onProgress(progress) {
        reporter.progress(progress);
        if (progress.fraction !== undefined) entry.progress(progress.fraction);
      },
      onPreview: (preview) => reporter.preview(preview.image),
      onOutput: (nodeId, output) => outputs.take({ [nodeId]: output }),
    });
    if (start.accepted === true) marks.posted();
    const ended = await result;
    if (lost.signal.aborted) throw new LeaseLostError('after the POST');
    // A takeover of the executor by the next prompt needs no word from Postgres; what we wrote last does.
    if (ended.state !== 'lost') entry.moveTo('ended');
    // A success says by itself that it ran; any other end needs its attempt on record.
    await (ended.state === 'succeeded' ? marks.close() : marks.flush());
    if (stuck.signal.aborted) deps.onStuck(promptId);
    if (ended.state === 'lost' && ended.reason === 'silent') {
      stoppedFor = 'silence';
      const deadlineAtMs = performance.now() + timings.interruptMs;
      const interrupted = await interruptPrompt(deps.client, promptId, { signal, deadlineAtMs });
      if (interrupted.state === 'still-running') deps.onStuck(promptId);
    }
    entry.moveTo('ended');
    // ComfyUI's clock may be set while it runs; nothing runs longer than its limit and the time to stop it.
    const maxSeconds = timeLimitSecondsOf(deps, job) + timings.interruptMs / 1_000;
    await concludeJob(deps, held, ended, {
      wasRunning,
      attempts,
      stoppedFor,
      postStatus: start.postStatus,
      withdrawn: taken.signal.aborted && !wasRunning,
      gpuSeconds: Math.min(gpuSecondsOf(ended, startedAt, wasRunning), maxSeconds),
      outputs,
    });
  } finally {
    clearTimeout(timeLimit);
    unsubscribe();
    cancel.removeEventListener('abort', stop);
    entry.recalled.removeEventListener('abort', recall);
    done.abort(over);
    reporter.end();
  }
}

/** A prompt that ends within this was never seen to run by anybody. */
const markGatherMs = 15;

/** Named, because an abort without a reason makes an exception with a stack, for each job. */
const over = new Error('this job is over');

/** Timers take no more: about 24 days. */
const maxTimerMs = 2 ** 31 - 1;

/** {@link followPrompt}, ended as lost when it was cut short by us: nothing more will be seen of that prompt. */
async function followUnlessCut(
  cut: AbortSignal,
  outer: AbortSignal,
  options: FollowPromptOptions,
): Promise<PromptResult> {
  try {
    return await followPrompt(options);
  } catch (error) {
    if (!cut.aborted || outer.aborted || !(error instanceof ComfyError)) throw error;
    return { state: 'lost', reason: 'deadline', lastSeen: 'unknown', outputs: {} };
  }
}

function isEndOf(event: ComfyEvent, promptId: string): boolean {
  if (promptOfEvent(event) !== promptId) return false;
  return (
    event.type === 'execution_success' ||
    event.type === 'execution_error' ||
    event.type === 'execution_interrupted' ||
    (event.type === 'executing' && event.nodeId === null)
  );
}

/** By ComfyUI's own clock where it told both ends, else by ours. */
function gpuSecondsOf(result: PromptResult, startedAt: number, wasRunning: boolean): number {
  if (result.state === 'succeeded' && result.startedAtMs !== undefined && result.endedAtMs !== undefined) {
    return Math.max(0, (result.endedAtMs - result.startedAtMs) / 1_000);
  }
  return wasRunning ? (performance.now() - startedAt) / 1_000 : 0;
}
