import { describe, expect, it } from 'vitest';
import type { PromptResult } from '@atelier/comfyui/client/prompt-result';
import { decideEnd, maxAttempts, maxEpoch, type EndFacts } from './decide-end.ts';

const facts: EndFacts = {
  cancelRequested: false,
  timeLimitSeconds: 600,
  wasRunning: true,
  attempts: 1,
  epoch: 1,
  crashes: 0,
  outOfMemory: 0,
};
const succeeded: PromptResult = {
  state: 'succeeded',
  outputs: {},
  source: 'history',
  startedAtMs: undefined,
  endedAtMs: undefined,
};
const interrupted: PromptResult = { state: 'interrupted', nodeId: undefined, outputs: {} };
const lost: PromptResult = { state: 'lost', reason: 'absent', lastSeen: 'absent', outputs: {} };
function failed(exceptionType: string, exceptionMessage = ''): PromptResult {
  return {
    state: 'failed',
    failure: { nodeId: '3', nodeType: 'KSampler', exceptionType, exceptionMessage, traceback: [], executed: [] },
    outputs: {},
  };
}

describe('decideEnd', () => {
  it('keeps a success although a cancel was wanted', () => {
    expect(decideEnd(succeeded, { ...facts, cancelRequested: true })).toEqual({ outcome: 'store' });
  });

  it.each([interrupted, lost, failed('RuntimeError')])(
    'ends whatever else as cancelled when that was wanted',
    (result) => {
      expect(decideEnd(result, { ...facts, cancelRequested: true })).toEqual({ outcome: 'cancel' });
    },
  );

  it('runs a foreign interrupt again and blames nobody', () => {
    expect(decideEnd(interrupted, facts)).toEqual({ outcome: 'requeue' });
  });

  it('tells a time limit from a foreign interrupt', () => {
    const decision = decideEnd(interrupted, { ...facts, stoppedFor: 'time_limit' });
    expect(decision).toMatchObject({ outcome: 'fail', error: { code: 'time_limit' } });
    if (decision.outcome !== 'fail') throw new Error('unreachable');
    expect(decision.error.message.en).toContain('600 s');
  });

  it('takes an executor that stands still for a crash: once more, then never again', () => {
    const silent: PromptResult = { state: 'lost', reason: 'silent', lastSeen: 'running', outputs: {} };
    const still = { ...facts, stoppedFor: 'silence' as const };
    expect(decideEnd(silent, still)).toEqual({ outcome: 'requeue', crashed: true });
    expect(decideEnd(silent, { ...still, crashes: 1 })).toMatchObject({
      outcome: 'fail',
      state: 'quarantined',
      error: { code: 'stalled' },
    });
  });

  it('gives back at once what was taken out of the queue, unless a cancel was wanted', () => {
    const taken = { ...facts, withdrawn: true, wasRunning: false, epoch: maxEpoch };
    expect(decideEnd(lost, taken)).toEqual({ outcome: 'requeue' });
    expect(decideEnd(lost, { ...taken, cancelRequested: true })).toEqual({ outcome: 'cancel' });
  });

  it('tries once more after running out of memory, then explains', () => {
    const oom = failed('torch.OutOfMemoryError', 'Allocation on device');
    expect(decideEnd(oom, facts)).toEqual({ outcome: 'requeue', outOfMemory: true });
    expect(decideEnd(oom, { ...facts, outOfMemory: 1 })).toMatchObject({
      outcome: 'fail',
      state: 'failed',
      error: { code: 'out_of_memory', nodeId: '3', classType: 'KSampler' },
    });
  });

  it.each([
    ['FileNotFoundError', '[Errno 2] No such file', 'model_missing'],
    ['RuntimeError', 'mat1 and mat2 shapes cannot be multiplied', 'size_mismatch'],
    ['PIL.UnidentifiedImageError', 'cannot identify image file', 'input_broken'],
    ['SafetensorError', 'Error while deserializing header', 'model_broken'],
    ['ZeroDivisionError', 'division by zero', 'execution_failed'],
  ])('never repeats a workflow that fails, and names the cause of %s', (type, message, code) => {
    expect(decideEnd(failed(type, message), facts)).toMatchObject({ outcome: 'fail', error: { code } });
  });

  it('runs again what ComfyUI forgot before it ran, without blame', () => {
    expect(decideEnd(lost, { ...facts, wasRunning: false, attempts: 0 })).toEqual({
      outcome: 'requeue',
      afterMs: 1_000,
    });
  });

  it('does not repeat a workflow at which the validation of ComfyUI fell over', () => {
    expect(decideEnd(lost, { ...facts, wasRunning: false, attempts: 0, postStatus: 500 })).toMatchObject({
      outcome: 'fail',
      error: { code: 'workflow_refused' },
    });
  });

  it.each([502, 503, 504, 408, 200])(
    'posts again what a proxy answered with %i while ComfyUI was away',
    (postStatus) => {
      expect(decideEnd(lost, { ...facts, wasRunning: false, attempts: 0, postStatus })).toMatchObject({
        outcome: 'requeue',
      });
    },
  );

  it('gives up what was posted very often and never began to run', () => {
    expect(decideEnd(lost, { ...facts, wasRunning: false, attempts: 0, epoch: maxEpoch })).toMatchObject({
      outcome: 'fail',
      error: { code: 'lost' },
    });
  });

  it('blames only what was executing when ComfyUI died, and quarantines it the second time', () => {
    expect(decideEnd(lost, facts)).toEqual({ outcome: 'requeue', crashed: true });
    expect(decideEnd(lost, { ...facts, crashes: 1 })).toMatchObject({ outcome: 'fail', state: 'quarantined' });
  });

  it('gives up what was started and lost too often', () => {
    expect(decideEnd(interrupted, { ...facts, attempts: maxAttempts })).toMatchObject({
      outcome: 'fail',
      error: { code: 'lost' },
    });
  });
});
