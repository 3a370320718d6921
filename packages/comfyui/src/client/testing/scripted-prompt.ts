import { ComfyError } from '../../errors/comfy-error.ts';
import type { JsonObject } from '../../json/json.ts';
import type { JobLook } from '../comfy-client.ts';
import type { ComfyEvent } from '../comfy-event.ts';
import type { ComfySocket, SocketListener, SocketState } from '../comfy-socket.ts';
import type { FinishedPrompt } from '../finished-prompt.ts';
import type { LookClient } from '../look.ts';

/** Where a scripted prompt is, for whoever looks. */
export type ScriptedPlace = 'absent' | 'pending' | 'running' | 'unreachable' | FinishedPrompt;

/** A server in memory that knows one prompt, and a socket to it; a test moves both. */
export interface ScriptedPrompt {
  place: ScriptedPlace;
  looks: number;
  recycles: number;
  readonly client: LookClient;
  readonly socket: Pick<ComfySocket, 'state' | 'subscribe' | 'recycle'>;
  /** Runs before each look is answered. */
  onLook: (() => void) | undefined;
  emit(event: ComfyEvent): void;
  setSocket(state: SocketState): void;
}

/** Builds a prompt that is pending at a server with `/api/jobs`, with an open socket. */
export function createScriptedPrompt(promptId: string): ScriptedPrompt {
  const listeners = new Set<SocketListener>();
  let state: SocketState = 'open';

  function answer(): JobLook {
    script.looks += 1;
    script.onLook?.();
    const { place } = script;
    if (place === 'unreachable') throw new ComfyError('unreachable', 'No one is there.');
    if (place === 'absent') return { at: 'absent' };
    if (typeof place === 'object') return { at: 'finished', finished: place };
    return { at: place, summary: { promptId, status: place } };
  }

  const script: ScriptedPrompt = {
    place: 'pending',
    looks: 0,
    recycles: 0,
    onLook: undefined,
    client: {
      job: () => Promise.resolve().then(answer),
      queue: () => Promise.resolve({ running: [], pending: [] }),
      history: () => Promise.resolve(undefined),
    },
    socket: {
      get state() {
        return state;
      },
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      recycle: () => {
        script.recycles += 1;
      },
    },
    emit: (event) => {
      for (const listener of listeners) listener.onEvent?.(event);
    },
    setSocket: (next) => {
      state = next;
      for (const listener of listeners) listener.onState?.(next);
    },
  };
  return script;
}

/** A prompt that has ended, as a look finds it. */
export function finishedPrompt(
  promptId: string,
  outcome: FinishedPrompt['outcome'],
  outputs: Record<string, JsonObject> = {},
): FinishedPrompt {
  return {
    promptId,
    outcome,
    outputs,
    extraData: {},
    failure:
      outcome === 'failed'
        ? {
            nodeId: '3',
            nodeType: 'KSampler',
            exceptionType: 'ValueError',
            exceptionMessage: 'no',
            traceback: [],
            executed: [],
          }
        : undefined,
    interruptedAt: outcome === 'interrupted' ? '3' : undefined,
    startedAtMs: 1,
    endedAtMs: 2,
  };
}
