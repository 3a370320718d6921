import { abortedError, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { createBoundedLooks } from './bounded-looks.ts';
import type { ComfySocket } from './comfy-socket.ts';
import type { LookClient } from './look.ts';
import { createPromptReport } from './prompt-report.ts';
import type { PromptReportOptions } from './prompt-report.ts';
import type { PromptResult } from './prompt-result.ts';
import { createPromptWatch } from './prompt-watch.ts';
import { recordPrompt } from './record-prompt.ts';
import type { PromptRecording } from './record-prompt.ts';

export interface FollowPromptOptions extends PromptReportOptions {
  client: LookClient;
  /** The socket of the client id that the prompt was posted with. Without one, the prompt is followed by looking alone. */
  socket?: Pick<ComfySocket, 'state' | 'subscribe' | 'recycle'> | undefined;
  /** Instead of `socket`: what was recorded since before the POST. */
  recording?: PromptRecording | undefined;
  /** ComfyUI has just answered the POST, before which `recording` began: the first look waits for an event, or for `pollMs`. */
  accepted?: boolean | undefined;
  /** A time of `clock` (of `systemClock.now()` unless another is given) at which following ends in `lost`. Never unless given. */
  deadlineAtMs?: number | undefined;
  /** How long a running prompt may show no sign of life on an open socket; twice this ends in `lost`. 300,000 unless given. */
  silenceMs?: number;
  /** Between looks. 2,000 unless given. */
  pollMs?: number;
  /** Between the two looks that make "absent" certain; no less than the slowest POST may take. 3,000 unless given. */
  settleMs?: number;
  clock?: Clock;
  signal?: AbortSignal | undefined;
}

/**
 * Follows one prompt to its end.
 *
 * The truth is what `look` finds; the socket makes it quick and says how far the prompt is, and following is correct without it. An end that the
 * socket announces is looked up before it is believed, because the history is written after it. Unreachable servers are asked again until the
 * deadline. Events of other prompts are not heard.
 *
 * @throws ComfyError `aborted` when the signal fires; whatever a callback throws.
 */
export async function followPrompt(options: FollowPromptOptions): Promise<PromptResult> {
  const { client, promptId, socket, signal, clock = systemClock, pollMs = 2_000 } = options;
  const deadlineAtMs = options.deadlineAtMs ?? Number.POSITIVE_INFINITY;
  const recording = options.recording ?? (socket === undefined ? undefined : recordPrompt(socket, promptId));
  const isHeard = options.accepted === true && options.recording?.state === 'open';
  const report = createPromptReport(options);
  const watch = createPromptWatch({
    clock,
    report,
    recording,
    pollMs,
    settleMs: options.settleMs ?? 3_000,
    silenceMs: options.silenceMs ?? 300_000,
    firstLookAtMs: clock.now() + (isHeard ? pollMs : 0),
  });
  const looks = createBoundedLooks({ client, promptId, clock, deadlineAtMs, signal });
  const alarm = createAlarm(clock);
  let crash: { error: unknown } | undefined;

  /** Runs what a socket calls; an error there, as of a callback, ends the following, not the process. */
  function guarded<T>(run: (value: T) => boolean): (value: T) => void {
    return (value) => {
      try {
        if (run(value)) alarm.ring();
      } catch (error) {
        crash ??= { error };
        alarm.ring();
      }
    };
  }

  const unsubscribe = recording?.follow({
    onEvent: guarded((event) => watch.take(event)),
    onState: guarded((state) => {
      if (state === 'open') watch.reopened();
      return state === 'open';
    }),
  });
  signal?.addEventListener('abort', alarm.ring, { once: true });
  try {
    for (;;) {
      if (signal?.aborted === true) throw abortedError(signal);
      if (crash !== undefined) throw crash.error;
      if (clock.now() >= deadlineAtMs) return report.lost('deadline', watch.lastSeen);
      if (clock.now() < watch.nextLookAtMs) {
        await alarm.waitUntil(Math.min(watch.nextLookAtMs, deadlineAtMs));
        continue;
      }
      watch.beginLook();
      const found = await looks.look();
      if (found === 'deadline') return report.lost('deadline', watch.lastSeen);
      if (found === 'aborted') continue;
      const result = watch.judge(found);
      if (result !== undefined) return result;
    }
  } finally {
    unsubscribe?.();
    looks.stop();
    signal?.removeEventListener('abort', alarm.ring);
  }
}

interface Alarm {
  /** Resolves at a time of the clock, or when rung before it. One waits at a time. */
  waitUntil: (atMs: number) => Promise<void>;
  ring: () => void;
}

function createAlarm(clock: Clock): Alarm {
  let wake = (): void => {};
  return {
    waitUntil: (atMs) =>
      new Promise((resolve) => {
        const delayMs = Math.max(0, atMs - clock.now());
        const cancel = Number.isFinite(delayMs) ? clock.schedule(() => wake(), delayMs) : (): void => {};
        wake = () => {
          wake = (): void => {};
          cancel();
          resolve();
        };
      }),
    ring: () => wake(),
  };
}
