import type { ComfyEvent } from './comfy-event.ts';
import { promptIdOf } from './comfy-event.ts';
import type { ComfySocket, SocketListener, SocketState } from './comfy-socket.ts';

/** More events than any prompt sends before someone follows it; beyond, the oldest go. */
const maxEvents = 2_000;

/**
 * The events of one prompt, kept from before it is posted until someone follows it.
 *
 * A short or cached prompt can be over before the answer to its POST has been read: subscribe first, then post.
 */
export interface PromptRecording {
  readonly promptId: string;
  readonly state: SocketState;
  /** Hands over what came so far and everything from now on. Only once. Returns what ends it. */
  follow(listener: SocketListener): () => void;
  /** The socket's: close politely and connect again. */
  recycle(): void;
  /** Ends it without anyone having followed. */
  stop(): void;
}

/**
 * Begins to record the events of one prompt.
 *
 * Previews without metadata do not say whose they are: they belong to the prompt that last was said to run.
 */
export function recordPrompt(
  socket: Pick<ComfySocket, 'state' | 'subscribe' | 'recycle'>,
  promptId: string,
): PromptRecording {
  let kept: ComfyEvent[] = [];
  let listener: SocketListener | undefined;
  let runningId: string | undefined;

  function isOurs(event: ComfyEvent): boolean {
    const id = promptIdOf(event);
    const before = runningId;
    if (event.type === 'executing' && event.nodeId === null) runningId = undefined;
    else if (id !== undefined) runningId = id;
    if (id !== undefined) return id === promptId;
    // These come without a prompt id from some versions; all other kinds without one are about no prompt.
    const anonymous = event.type === 'preview' || event.type === 'progress' || event.type === 'executing';
    return anonymous && before === promptId;
  }

  function keep(event: ComfyEvent): void {
    // One picture is enough for whoever comes late.
    if (event.type === 'preview') kept = kept.filter((other) => other.type !== 'preview');
    kept.push(event);
    if (kept.length > maxEvents) kept.shift();
  }

  const unsubscribe = socket.subscribe({
    onEvent: (event) => {
      if (!isOurs(event)) return;
      if (listener === undefined) keep(event);
      else listener.onEvent?.(event);
    },
    onState: (state) => listener?.onState?.(state),
  });

  return {
    promptId,
    get state() {
      return socket.state;
    },
    follow: (next) => {
      listener = next;
      const before = kept;
      kept = [];
      for (const event of before) next.onEvent?.(event);
      return unsubscribe;
    },
    recycle: () => socket.recycle(),
    stop: unsubscribe,
  };
}
