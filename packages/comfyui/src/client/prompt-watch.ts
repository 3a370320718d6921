import type { Clock } from './clock.ts';
import type { ComfyEvent } from './comfy-event.ts';
import type { PromptLook } from './look.ts';
import type { EndEvent, PromptReport } from './prompt-report.ts';
import type { LastSeen, PromptResult } from './prompt-result.ts';
import type { PromptRecording } from './record-prompt.ts';

/** Between the two looks that find nothing after the socket announced the end: the history was cleared, not late. */
const endedGapMs = 250;
/** Waits between looks for an end that the socket announced, doubled each time: the history is written just after. */
const firstEndLookMs = 5;
const maxEndLookMs = 1_000;

interface PromptWatchOptions {
  clock: Clock;
  report: PromptReport;
  recording: PromptRecording | undefined;
  pollMs: number;
  settleMs: number;
  silenceMs: number;
  firstLookAtMs: number;
}

/**
 * Decides when to look for a prompt, and what a look means together with what the socket told: which end is one, when
 * a prompt that is nowhere is lost, and when one that runs is dead.
 */
export interface PromptWatch {
  readonly lastSeen: LastSeen;
  /** A time of the clock. */
  readonly nextLookAtMs: number;
  /** Takes an event of the socket. @returns whether it asks for a look at once. */
  take(event: ComfyEvent): boolean;
  /** The socket is open, again perhaps: what happened while it was away was told to nobody, so a look is due. */
  reopened(): void;
  /** To be called before each look. */
  beginLook(): void;
  /** Judges what a look found. @returns the result where the prompt's story ends here. */
  judge(found: PromptLook | 'unreachable'): PromptResult | undefined;
}

export function createPromptWatch(options: PromptWatchOptions): PromptWatch {
  const { clock, report, recording, pollMs, settleMs, silenceMs } = options;
  let lastSeen: LastSeen = 'unknown';
  let nextLookAtMs = options.firstLookAtMs;
  let isLookAsked = false;
  let signOfLifeAtMs = clock.now();
  let isRecycled = false;
  let absentSinceMs: number | undefined;
  let announced: EndEvent | undefined;
  let endLooks = 0;

  function lookNow(): void {
    isLookAsked = true;
    nextLookAtMs = clock.now();
  }

  function judgeAbsent(nowMs: number): PromptResult | undefined {
    lastSeen = 'absent';
    const gapMs = announced === undefined ? settleMs : Math.min(settleMs, endedGapMs);
    if (absentSinceMs !== undefined && nowMs - absentSinceMs >= gapMs) {
      return announced === undefined ? report.lost('absent', lastSeen) : report.believed(announced);
    }
    absentSinceMs ??= nowMs;
    nextLookAtMs = Math.min(nextLookAtMs, absentSinceMs + gapMs);
    return undefined;
  }

  function judgeRunning(nowMs: number): PromptResult | undefined {
    report.showState('running');
    if (announced !== undefined) {
      nextLookAtMs = Math.min(nextLookAtMs, nowMs + Math.min(maxEndLookMs, firstEndLookMs * 2 ** endLooks));
      endLooks += 1;
    }
    if (recording?.state !== 'open') {
      signOfLifeAtMs = nowMs;
    } else if (nowMs - signOfLifeAtMs >= silenceMs) {
      if (isRecycled) return report.lost('silent', lastSeen);
      // The socket may be what is broken: ComfyUI can have forgotten it while it looks open from here.
      isRecycled = true;
      signOfLifeAtMs = nowMs;
      recording.recycle();
    }
    return undefined;
  }

  function judgeLook(found: PromptLook | 'unreachable'): PromptResult | undefined {
    const nowMs = clock.now();
    nextLookAtMs = nowMs + pollMs;
    if (found === 'unreachable') {
      lastSeen = 'unreachable';
      signOfLifeAtMs = nowMs;
      return undefined;
    }
    if (found.at === 'finished') return report.finished(found.finished);
    if (found.at === 'absent') return judgeAbsent(nowMs);
    absentSinceMs = undefined;
    lastSeen = found.at;
    if (found.at === 'running') return judgeRunning(nowMs);
    signOfLifeAtMs = nowMs;
    report.showState('pending', found.ahead);
    return undefined;
  }

  return {
    get lastSeen() {
      return lastSeen;
    },
    get nextLookAtMs() {
      const isListening = recording?.state === 'open' && lastSeen === 'running';
      return isListening ? Math.min(nextLookAtMs, signOfLifeAtMs + silenceMs) : nextLookAtMs;
    },
    take(event) {
      // To a client that comes back ComfyUI repeats the node that last began, without a prompt id, whether or not it is alive.
      if (event.type !== 'executing' || event.promptId !== undefined) {
        signOfLifeAtMs = clock.now();
        isRecycled = false;
        absentSinceMs = undefined;
      }
      report.take(event);
      if (isEnd(event)) announced = event;
      else if (event.type !== 'executing' || event.nodeId !== null) return false;
      lookNow();
      return true;
    },
    reopened() {
      signOfLifeAtMs = clock.now();
      lookNow();
    },
    beginLook() {
      isLookAsked = false;
    },
    judge(found) {
      const result = judgeLook(found);
      // Asked for while this look was on its way, which may have passed just before the end.
      if (isLookAsked) nextLookAtMs = clock.now();
      return result;
    },
  };
}

const isEnd = (event: ComfyEvent): event is EndEvent =>
  event.type === 'execution_success' || event.type === 'execution_error' || event.type === 'execution_interrupted';
