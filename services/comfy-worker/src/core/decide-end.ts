import { isOutOfMemory } from '@atelier/comfyui/client/finished-prompt';
import type { PromptResult } from '@atelier/comfyui/client/prompt-result';
import type { JobError } from '@atelier/shared/contracts/job';
import { explainFailure } from './explain-failure.ts';
import { jobErrors } from './job-errors.ts';

/** What is known of the job when its prompt has ended. */
export interface EndFacts {
  cancelRequested: boolean;
  /** We interrupted it ourselves for this. */
  stoppedFor?: 'time_limit' | 'silence' | undefined;
  timeLimitSeconds: number;
  /** It was seen executing. */
  wasRunning: boolean;
  /**
   * HTTP status of an answer to the POST that was neither yes nor no: with 500 ComfyUI's own validation fell over; others
   * are a proxy's words for a ComfyUI that was away.
   */
  postStatus?: number | undefined;
  /** We took it out of the queue before it started, because something else goes first. */
  withdrawn?: boolean;
  /** Attempts that started, this one included. */
  attempts: number;
  /** The job's epoch: each post raises it by two, by the pick and by the way back to the queue. */
  epoch: number;
  crashes: number;
  outOfMemory: number;
}

/** What becomes of the job. */
export type EndDecision =
  | { outcome: 'store' }
  | { outcome: 'cancel' }
  | { outcome: 'requeue'; crashed?: boolean; outOfMemory?: boolean; afterMs?: number }
  | { outcome: 'fail'; state: 'failed' | 'quarantined'; error: JobError };

/** Attempts that may start to run before a job that keeps getting lost is given up. */
export const maxAttempts = 5;
/** Before what never started is posted again: whatever kept it from starting may need a moment. */
export const unstartedRetryMs = 1_000;
/** Epochs before a job that never starts is given up: something about it takes ComfyUI down before it runs. */
export const maxEpoch = 40;
/** Deaths of ComfyUI while it was executing before it is quarantined. */
export const maxCrashes = 2;

/**
 * What the end of a prompt means for its job (DESIGN: history decides).
 *
 * Success beats a cancel. A bad workflow is not retried; out of memory once; an interrupt that is not ours is foreign
 * and blames nobody; what ComfyUI forgot runs again, unless it was executing while ComfyUI died for the second time.
 */
export function decideEnd(result: PromptResult, facts: EndFacts): EndDecision {
  if (result.state === 'succeeded') return { outcome: 'store' };
  if (facts.cancelRequested) return { outcome: 'cancel' };
  if (facts.stoppedFor === 'time_limit') {
    return { outcome: 'fail', state: 'failed', error: jobErrors.timeLimit(facts.timeLimitSeconds) };
  }
  // An executor that stopped dead is a crash of ComfyUI in all but name.
  if (facts.stoppedFor === 'silence') return afterCrash(facts, jobErrors.stalled());
  if (facts.withdrawn === true) return { outcome: 'requeue' };
  if (result.state === 'failed') {
    if (isOutOfMemory(result.failure) && facts.outOfMemory === 0) return { outcome: 'requeue', outOfMemory: true };
    return { outcome: 'fail', state: 'failed', error: explainFailure(result.failure) };
  }
  if (result.state === 'lost' && facts.wasRunning) return afterCrash(facts);
  if (result.state === 'lost' && facts.postStatus === 500) {
    return { outcome: 'fail', state: 'failed', error: jobErrors.postFailed(facts.postStatus) };
  }
  if (!facts.wasRunning && facts.epoch >= maxEpoch) {
    return { outcome: 'fail', state: 'failed', error: jobErrors.attemptsUsed(Math.floor(facts.epoch / 2)) };
  }
  if (facts.attempts >= maxAttempts) {
    return { outcome: 'fail', state: 'failed', error: jobErrors.attemptsUsed(facts.attempts) };
  }
  return { outcome: 'requeue', ...(facts.wasRunning ? {} : { afterMs: unstartedRetryMs }) };
}

/** ComfyUI died, or stopped, while it was executing this prompt: the only one to blame. */
export function afterCrash(facts: Pick<EndFacts, 'crashes'>, error = jobErrors.quarantined()): EndDecision {
  if (facts.crashes + 1 >= maxCrashes) return { outcome: 'fail', state: 'quarantined', error };
  return { outcome: 'requeue', crashed: true };
}
