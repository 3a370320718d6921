import type { NodeId } from '@atelier/comfyui/graph/workflow';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { SimClock } from '../clock/sim-clock.ts';
import type { FaultBoard, NodePlace } from '../faults/fault-board.ts';
import type { FileStore } from '../files/file-store.ts';
import type { ExecutionLog } from '../log/execution-log.ts';
import type { NodeLibrary } from '../nodes/node-context.ts';
import type { GpuMemory } from '../profile/gpu-memory.ts';
import type { ServiceProfile } from '../profile/service-profile.ts';
import type { PromptQueue, QueuedPrompt } from '../queue/prompt-queue.ts';
import { createChangeTokens } from './change-tokens.ts';
import { runExecutorLoop } from './executor-loop.ts';
import { createOutputCache } from './output-cache.ts';
import type { CacheMode } from './output-cache.ts';
import { createFixedPacer, createPacer } from './pacer.ts';
import type { Pacer } from './pacer.ts';
import type { RunEvents } from './run-events.ts';
import { createNodeRunner } from './run-node.ts';
import { runPrompt } from './run-prompt.ts';

export interface ExecutorDependencies {
  registry: Registry;
  library: NodeLibrary;
  queue: PromptQueue;
  events: RunEvents;
  files: FileStore;
  faults: FaultBoard;
  log: ExecutionLog;
  gpu: GpuMemory;
  profile: ServiceProfile;
  clock: SimClock;
  speed: number;
  cache: CacheMode;
  sendsPreviews: boolean;
  emptyModels: ReadonlySet<string>;
  /** Prints a line to the server's console. */
  announce: (line: string) => void;
  /** What one prompt takes in all; undefined leaves it to the profile. */
  serviceTimeMs: (item: QueuedPrompt) => number | undefined;
  randomLetters: (count: number) => string;
}

/** What may be freed, and when: ComfyUI does it between prompts. */
export interface FreeRequest {
  unloadModels: boolean;
  freeMemory: boolean;
}

/** The execution thread of one session: queue in, events and history out. */
export interface Executor {
  /** Runs prompts until the signal fires. */
  run: (signal: AbortSignal) => Promise<void>;
  /** Sets the interrupt flag: it lands between nodes or at a step, and is forgotten when a prompt starts. */
  interrupt: () => void;
  free: (what: FreeRequest) => void;
}

/** Sampling steps that a prompt asks for, as far as its literals say. */
function stepsOf(item: QueuedPrompt): number {
  let steps = 0;
  for (const node of Object.values(item.workflow)) {
    const asked = node.inputs['steps'];
    if (typeof asked === 'number' && /sampler|scheduler/i.test(node.class_type)) steps += asked;
  }
  return steps;
}

/** What nodes keep between prompts, by id and class: gone when a prompt comes without them. */
function createObjectStates(isKeptAlways: boolean): {
  of: (id: NodeId, classType: string) => Map<string, string>;
  begin: (item: QueuedPrompt) => void;
  clear: () => void;
} {
  let states = new Map<string, Map<string, string>>();
  return {
    of: (id, classType) => {
      const key = `${id}:${classType}`;
      const kept = states.get(key) ?? new Map<string, string>();
      states.set(key, kept);
      return kept;
    },
    begin: (item) => {
      if (isKeptAlways) return;
      const current = new Set(Object.entries(item.workflow).map(([id, node]) => `${id}:${node.class_type}`));
      states = new Map([...states].filter(([key]) => current.has(key)));
    },
    clear: () => states.clear(),
  };
}

export function createExecutor(dependencies: ExecutorDependencies): Executor {
  const { clock, faults, gpu, queue, events, speed } = dependencies;
  const cache = createOutputCache(dependencies.cache);
  const objects = createObjectStates(dependencies.cache.kind === 'lru');
  let interrupted = new AbortController();
  let freeing: FreeRequest = { unloadModels: false, freeMemory: false };

  function applyFree(): void {
    if (freeing.unloadModels || freeing.freeMemory) gpu.unload();
    if (freeing.freeMemory) {
      cache.clear();
      objects.clear();
    }
    freeing = { unloadModels: false, freeMemory: false };
  }

  async function whileHeld(at: NodePlace, ended: AbortSignal): Promise<void> {
    if (!faults.has('hold')) return;
    const { signal: stop } = interrupted;
    await faults.whileNotHeld(at, AbortSignal.any([ended, stop])).catch((error: unknown) => {
      if (ended.aborted || !stop.aborted) throw error;
    });
  }

  function createPacers(signal: AbortSignal): (item: QueuedPrompt) => Pacer {
    const pacers = new WeakMap<QueuedPrompt, Pacer>();
    return (item) => {
      const known = pacers.get(item);
      if (known !== undefined) return known;
      const totalMs = dependencies.serviceTimeMs(item);
      const pacer =
        totalMs === undefined
          ? createPacer(clock, speed, signal)
          : createFixedPacer(clock, speed, signal, totalMs, stepsOf(item));
      pacers.set(item, pacer);
      return pacer;
    };
  }

  return {
    interrupt: () => interrupted.abort(),
    free: (what) => {
      freeing = {
        unloadModels: freeing.unloadModels || what.unloadModels,
        freeMemory: freeing.freeMemory || what.freeMemory,
      };
      if (queue.running().length === 0) applyFree();
    },
    run: async (signal) => {
      const whileStuck = (): Promise<void> => faults.whileNone(['hang', 'executor-dead'], signal);
      const runner = createNodeRunner({
        ...dependencies,
        pacerFor: createPacers(signal),
        takeInterrupt: () => {
          if (!interrupted.signal.aborted) return false;
          interrupted = new AbortController();
          return true;
        },
        whileStuck: async () => {
          // HTTP gets its turn between nodes, as it does beside ComfyUI's thread.
          await new Promise((resolve) => setImmediate(resolve));
          await whileStuck();
        },
        whileHeld: (at) => whileHeld(at, signal),
        isEnded: () => signal.aborted,
        objectState: objects.of,
      });
      const changeTokens = createChangeTokens(dependencies.files);
      await runExecutorLoop(
        {
          queue,
          events,
          log: dependencies.log,
          now: clock.now,
          announce: dependencies.announce,
          run: (item) => {
            interrupted = new AbortController();
            objects.begin(item);
            const { registry } = dependencies;
            return runPrompt(item, {
              registry,
              cache,
              events,
              runner,
              now: clock.now,
              changeTokens,
              unloadModels: gpu.unload,
            });
          },
          afterPrompt: applyFree,
          whileStuck,
        },
        signal,
      );
    },
  };
}
