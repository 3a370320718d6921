import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { heapify, heapPop, heapPush } from './python-heap.ts';

/** One posted prompt, as the queue and the executor hold it. */
export interface QueuedPrompt {
  number: number;
  promptId: string;
  workflow: Workflow;
  /** Node ids in the order of the posted text: an object with number-like keys has lost it. */
  nodeOrder: readonly string[];
  /** The prompt as posted, for queue, history and picture metadata. */
  prompt: JsonObject;
  extraData: JsonObject;
  /** Keys that ComfyUI never shows again (API keys). */
  sensitive: JsonObject;
  outputs: readonly string[];
}

export type HistoryMessage = [string, JsonObject];

export interface PromptResult {
  outputs: JsonObject;
  meta: JsonObject;
  succeeded: boolean;
  messages: HistoryMessage[];
}

/** An entry of `/history`, kept as values: it becomes JSON when somebody asks. */
export interface HistoryEntry extends PromptResult {
  item: QueuedPrompt;
}

/** ComfyUI's limit; the oldest entry goes first. */
const maxHistoryEntries = 10_000;

export interface PromptQueue {
  put: (item: QueuedPrompt) => void;
  /**
   * Waits for the next prompt and marks it as running. Rejects when the signal fires.
   *
   * @param mayTake awaited when there is one: a dead executor leaves it pending.
   */
  take: (signal: AbortSignal, mayTake: () => Promise<void>) => Promise<QueuedPrompt>;
  /** The running prompt becomes history. */
  finish: (item: QueuedPrompt, result: PromptResult) => void;
  running: () => readonly QueuedPrompt[];
  /** In heap order, as it lies in memory. */
  pending: () => readonly QueuedPrompt[];
  remaining: () => number;
  clearPending: () => void;
  deletePending: (promptId: string) => boolean;
  history: () => ReadonlyMap<string, HistoryEntry>;
  clearHistory: () => void;
  deleteHistory: (promptId: string) => void;
  /** The counter that numbers prompts. */
  nextNumber: () => number;
}

/** ComfyUI's PromptQueue. `onChange` is called at each of its `queue_updated`. */
export function createPromptQueue(onChange: () => void): PromptQueue {
  const heap: QueuedPrompt[] = [];
  const running: QueuedPrompt[] = [];
  const history = new Map<string, HistoryEntry>();
  let counter = 0;
  let wake: (() => void) | undefined;

  function takeNow(): QueuedPrompt | undefined {
    const item = heapPop(heap);
    if (item === undefined) return undefined;
    running.push(item);
    onChange();
    return item;
  }

  function nextPut(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason as Error);
      wake = () => {
        wake = undefined;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  return {
    put: (item) => {
      heapPush(heap, item);
      onChange();
      wake?.();
    },
    take: async (signal, mayTake) => {
      for (;;) {
        signal.throwIfAborted();
        if (heap.length === 0) await nextPut(signal);
        await mayTake();
        const item = takeNow();
        if (item !== undefined) return item;
      }
    },
    finish: (item, result) => {
      running.splice(running.indexOf(item), 1);
      if (history.size >= maxHistoryEntries && !history.has(item.promptId)) {
        const oldest = history.keys().next();
        if (oldest.done !== true) history.delete(oldest.value);
      }
      history.set(item.promptId, { item, ...result });
      onChange();
    },
    running: () => running,
    pending: () => heap,
    remaining: () => heap.length + running.length,
    clearPending: () => {
      heap.length = 0;
      onChange();
    },
    deletePending: (promptId) => {
      const index = heap.findIndex((item) => item.promptId === promptId);
      if (index === -1) return false;
      heap.splice(index, 1);
      heapify(heap);
      onChange();
      return true;
    },
    history: () => history,
    clearHistory: () => history.clear(),
    deleteHistory: (promptId) => {
      history.delete(promptId);
    },
    nextNumber: () => counter++,
  };
}

/** `[number, id, prompt, extra_data, outputs]`, as `/queue` and `/history` show a prompt. */
export function queueTuple(item: QueuedPrompt): Json[] {
  return [item.number, item.promptId, item.prompt, item.extraData, [...item.outputs]];
}

/** A history entry as `/history` shows it. */
export function historyJson(entry: HistoryEntry): JsonObject {
  return {
    prompt: queueTuple(entry.item),
    outputs: entry.outputs,
    status: {
      status_str: entry.succeeded ? 'success' : 'error',
      completed: entry.succeeded,
      messages: entry.messages.map(([name, data]) => [name, data]),
    },
    meta: entry.meta,
  };
}
