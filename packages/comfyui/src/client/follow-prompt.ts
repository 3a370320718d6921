import type { JsonObject } from '../json/json.ts';
import { ComfyError } from '../errors/comfy-error.ts';
import type { NodeId, Workflow } from '../graph/workflow.ts';
import { abortedError, systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import type { ComfyEvent, PreviewEvent } from './comfy-event.ts';
import type { ComfySocket } from './comfy-socket.ts';
import type { ExecutionFailure, FinishedPrompt, PromptOutputs } from './finished-prompt.ts';
import { look } from './look.ts';
import type { LookClient, PromptLook } from './look.ts';
import { recordPrompt } from './record-prompt.ts';
import type { PromptRecording } from './record-prompt.ts';
import { createProgressTracker } from './track-progress.ts';
import type { PromptProgress } from './track-progress.ts';

/** How a prompt ended, or that this cannot be known any more. */
export type PromptResult =
  | {
      state: 'succeeded';
      outputs: PromptOutputs;
      /** `events`: the history was cleared in the instant after; the outputs are those that the socket showed. */
      source: 'history' | 'events';
      startedAtMs: number | undefined;
      endedAtMs: number | undefined;
    }
  | { state: 'failed'; failure: ExecutionFailure; outputs: PromptOutputs }
  | { state: 'interrupted'; nodeId: NodeId | undefined; outputs: PromptOutputs }
  | {
      state: 'lost';
      /**
       * - `absent`: in neither queue nor history at two looks: ComfyUI forgot it, as a restart does.
       * - `silent`: in the running list, but no sign of life, also over a fresh socket: the executor is stuck or dead.
       * - `deadline`: the time given was over.
       */
      reason: 'absent' | 'silent' | 'deadline';
      lastSeen: LastSeen;
      /** What the socket showed as done before. */
      outputs: PromptOutputs;
    };

/** What the last look said; `unreachable` when it got no answer. */
export type LastSeen = 'running' | 'pending' | 'absent' | 'unreachable' | 'unknown';

export interface FollowPromptOptions {
  client: LookClient;
  promptId: string;
  /** The socket of the client id that the prompt was posted with. Without one, the prompt is followed by looking alone. */
  socket?: Pick<ComfySocket, 'state' | 'subscribe' | 'recycle'> | undefined;
  /** Instead of `socket`: what was recorded since before the POST. */
  recording?: PromptRecording | undefined;
  /** Gives progress its totals and class names. */
  workflow?: Workflow | undefined;
  /** The outputs that were accepted, if not all. */
  outputNodeIds?: readonly NodeId[] | undefined;
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
  /** At each change between waiting and running; `ahead` as in {@link look}. */
  onState?: (state: 'pending' | 'running', ahead: number | undefined) => void;
  onProgress?: (progress: PromptProgress) => void;
  onPreview?: (preview: PreviewEvent) => void;
  /** What one node put out, as soon as the socket shows it; at most once a node. The result holds all of them. */
  onOutput?: (nodeId: NodeId, output: JsonObject) => void;
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
  const clock = options.clock ?? systemClock;
  const pollMs = options.pollMs ?? 2_000;
  const settleMs = options.settleMs ?? 3_000;
  const silenceMs = options.silenceMs ?? 300_000;
  const deadlineAtMs = options.deadlineAtMs ?? Number.POSITIVE_INFINITY;
  const { client, promptId, signal } = options;
  const recording =
    options.recording ?? (options.socket === undefined ? undefined : recordPrompt(options.socket, promptId));

  const tracker = createProgressTracker(options);
  const outputs = new Map<NodeId, JsonObject>();
  let announced: EndEvent | undefined;
  let lastSeen = 'unknown' as LastSeen;
  let shownState: string | undefined;
  let signOfLifeAt = clock.now();
  let recycled = false;
  let absentSince: number | undefined;
  let nextLookAt = clock.now();
  let lookAsked = false;
  let quickLooks = 0;
  let crash: { error: unknown } | undefined;
  let wake = (): void => {};

  function showState(state: 'pending' | 'running', ahead?: number): void {
    const shown = `${state} ${ahead ?? ''}`;
    if (shown === shownState) return;
    shownState = shown;
    options.onState?.(state, ahead);
  }

  function lookNow(): void {
    lookAsked = true;
    nextLookAt = clock.now();
    wake();
  }

  function take(event: ComfyEvent): void {
    // To a client that comes back ComfyUI repeats the node that last began, without a prompt id, whether or not it is alive.
    if (event.type !== 'executing' || event.promptId !== undefined) {
      signOfLifeAt = clock.now();
      recycled = false;
      absentSince = undefined;
    }
    if (event.type === 'preview') options.onPreview?.(event);
    if (event.type === 'execution_start' || event.type === 'progress_state') showState('running');
    if (event.type === 'executed' && event.output !== undefined && !outputs.has(event.nodeId)) {
      outputs.set(event.nodeId, event.output);
      options.onOutput?.(event.nodeId, event.output);
    }
    const progress = tracker.take(event);
    if (progress !== undefined) options.onProgress?.(progress);
    if (isEnd(event)) {
      announced = event;
      lookNow();
    } else if (event.type === 'executing' && event.nodeId === null) {
      lookNow();
    }
  }

  /** Runs what a socket calls; an error there ends the following, not the process. */
  function guarded<T>(run: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        run(value);
      } catch (error) {
        crash ??= { error };
        wake();
      }
    };
  }

  function waitUntil(atMs: number): Promise<void> {
    return new Promise((resolve) => {
      const delayMs = Math.max(0, atMs - clock.now());
      const cancel = Number.isFinite(delayMs) ? clock.schedule(() => wake(), delayMs) : (): void => {};
      wake = () => {
        wake = (): void => {};
        cancel();
        resolve();
      };
    });
  }

  function seenOutputs(): PromptOutputs {
    return Object.fromEntries(outputs);
  }

  function finished(prompt: FinishedPrompt): PromptResult {
    const all = { ...seenOutputs(), ...prompt.outputs };
    if (prompt.outcome === 'interrupted') return { state: 'interrupted', nodeId: prompt.interruptedAt, outputs: all };
    if (prompt.outcome === 'failed') return { state: 'failed', failure: prompt.failure ?? unexplained, outputs: all };
    options.onProgress?.(tracker.finish());
    const { startedAtMs, endedAtMs } = prompt;
    return { state: 'succeeded', outputs: all, source: 'history', startedAtMs, endedAtMs };
  }

  /** The end as the socket told it, for a prompt that has left both queue and history. */
  function believed(end: EndEvent): PromptResult {
    if (end.type === 'execution_error') return { state: 'failed', failure: end.failure, outputs: seenOutputs() };
    if (end.type === 'execution_interrupted')
      return { state: 'interrupted', nodeId: end.nodeId, outputs: seenOutputs() };
    options.onProgress?.(tracker.finish());
    return {
      state: 'succeeded',
      outputs: seenOutputs(),
      source: 'events',
      startedAtMs: undefined,
      endedAtMs: undefined,
    };
  }

  function lost(reason: 'absent' | 'silent' | 'deadline'): PromptResult {
    return { state: 'lost', reason, lastSeen, outputs: seenOutputs() };
  }

  /** Judges a look. @returns the result if it ends here. */
  function judge(found: PromptLook): PromptResult | undefined {
    const now = clock.now();
    nextLookAt = now + pollMs;
    if (found.at === 'finished') return finished(found.finished);
    if (found.at === 'absent') {
      lastSeen = 'absent';
      const gapMs = announced === undefined ? settleMs : Math.min(settleMs, endedGapMs);
      if (absentSince !== undefined && now - absentSince >= gapMs) {
        return announced === undefined ? lost('absent') : believed(announced);
      }
      absentSince ??= now;
      nextLookAt = Math.min(nextLookAt, absentSince + gapMs);
      return undefined;
    }
    absentSince = undefined;
    lastSeen = found.at;
    if (found.at === 'pending') {
      signOfLifeAt = now;
      showState('pending', found.ahead);
      return undefined;
    }
    showState('running');
    if (announced !== undefined) {
      nextLookAt = Math.min(nextLookAt, now + Math.min(1_000, 5 * 2 ** Math.min(quickLooks, 10)));
      quickLooks += 1;
    }
    if (recording?.state !== 'open') signOfLifeAt = now;
    else if (now - signOfLifeAt >= silenceMs) {
      if (recycled) return lost('silent');
      // The socket may be what is broken: ComfyUI can have forgotten it while it looks open from here.
      recycled = true;
      signOfLifeAt = now;
      recording.recycle();
    }
    return undefined;
  }

  const looks = createLooks(client, promptId, clock, deadlineAtMs, signal);
  const unsubscribe = recording?.follow({
    onEvent: guarded(take),
    onState: guarded((state) => {
      if (state !== 'open') return;
      signOfLifeAt = clock.now();
      // What happened while it was away was told to nobody.
      lookNow();
    }),
  });
  const onAbort = (): void => wake();
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    for (;;) {
      if (signal?.aborted === true) throw abortedError(signal);
      if (crash !== undefined) throw crash.error;
      if (clock.now() >= deadlineAtMs) return lost('deadline');
      const silentAt = recording?.state === 'open' && lastSeen === 'running' ? signOfLifeAt + silenceMs : Infinity;
      if (clock.now() >= Math.min(nextLookAt, silentAt)) {
        lookAsked = false;
        const found = await looks.look();
        if (found === 'unreachable') {
          lastSeen = 'unreachable';
          nextLookAt = clock.now() + pollMs;
          signOfLifeAt = clock.now();
        } else if (found === 'deadline') {
          return lost('deadline');
        } else if (found !== 'aborted') {
          const result = judge(found);
          if (result !== undefined) return result;
        }
        // Asked for while this look was on its way, which may have passed just before the end.
        if (lookAsked) nextLookAt = clock.now();
      } else {
        await waitUntil(Math.min(nextLookAt, silentAt, deadlineAtMs));
      }
    }
  } finally {
    unsubscribe?.();
    looks.stop();
    signal?.removeEventListener('abort', onAbort);
  }
}

type EndEvent = Extract<ComfyEvent, { type: 'execution_success' | 'execution_error' | 'execution_interrupted' }>;

/** Between the two looks that find nothing after the socket announced the end: the history was cleared, not late. */
const endedGapMs = 250;

const unexplained: ExecutionFailure = {
  exceptionType: '',
  exceptionMessage: 'ComfyUI did not say why.',
  traceback: [],
  executed: [],
};

function isEnd(event: ComfyEvent): event is EndEvent {
  return (
    event.type === 'execution_success' || event.type === 'execution_error' || event.type === 'execution_interrupted'
  );
}

interface Looks {
  /** `aborted` and `deadline`: the caller's signal or the deadline cut it short. */
  look(): Promise<PromptLook | 'unreachable' | 'aborted' | 'deadline'>;
  stop(): void;
}

/** Looks that end at the deadline even when the server never answers. */
function createLooks(
  client: LookClient,
  promptId: string,
  clock: Clock,
  deadlineAtMs: number,
  outer: AbortSignal | undefined,
): Looks {
  const controller = new AbortController();
  const end = (): void => controller.abort();
  const cancel = Number.isFinite(deadlineAtMs)
    ? clock.schedule(end, Math.max(0, deadlineAtMs - clock.now()))
    : (): void => {};
  if (outer?.aborted === true) end();
  else outer?.addEventListener('abort', end, { once: true });
  return {
    look: async () => {
      try {
        return await look(client, promptId, { signal: controller.signal });
      } catch (error) {
        if (controller.signal.aborted) return outer?.aborted === true ? 'aborted' : 'deadline';
        // Refused and malformed answers too: a proxy in front of a ComfyUI that restarts says many things.
        if (error instanceof ComfyError) return 'unreachable';
        throw error;
      }
    },
    stop: () => {
      cancel();
      outer?.removeEventListener('abort', end);
    },
  };
}
