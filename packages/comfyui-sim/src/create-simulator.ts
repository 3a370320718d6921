import { randomInt, randomUUID } from 'node:crypto';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { pythonFromJson } from '@atelier/comfyui/json/python-json';
import type { PyDict } from '@atelier/comfyui/json/python-json';
import { systemSimClock } from './clock/sim-clock.ts';
import { createFaultBoard } from './faults/fault-board.ts';
import { faultSchema, isEvent } from './faults/fault.ts';
import type { Fault, FaultInput, FaultKind } from './faults/fault.ts';
import { createMemoryFiles } from './files/memory-files.ts';
import type { FileStore, FolderType } from './files/file-store.ts';
import { demoInventory, recordedInventory } from './inventory/inventory.ts';
import type { Inventory } from './inventory/inventory.ts';
import { createExecutionLog } from './log/execution-log.ts';
import type { ExecutionLogEntry } from './log/execution-log.ts';
import { createNodeLibrary } from './nodes/node-library.ts';
import { testNodeClasses, testNodes } from './nodes/test-nodes.ts';
import { exampleImage } from './picture/example-image.ts';
import type { QueuedPrompt } from './queue/prompt-queue.ts';
import { createGpuMemory } from './profile/gpu-memory.ts';
import { defaultProfile } from './profile/service-profile.ts';
import { generateObjectInfo } from './registry/generate-object-info.ts';
import { loadObjectInfo } from './registry/load-object-info.ts';
import { createSimRegistry } from './registry/sim-registry.ts';
import type { SimulatorOptions } from './simulator-options.ts';
import { startSession } from './server/session.ts';
import type { Session, SessionDependencies } from './server/session.ts';
import { versionTraits } from './version/sim-version.ts';

export interface SimulatorAddress {
  /** Such as `http://127.0.0.1:8188`. */
  url: string;
  port: number;
}

/** A ComfyUI that needs no GPU. */
export interface Simulator {
  /** Opens the listener. After a crash it comes back on the same port, with its files but without queue, history and caches. */
  start: () => Promise<SimulatorAddress>;
  /** Ends everything. Prompts that run count as crashed. */
  stop: () => Promise<void>;
  /** Closes sockets and listener at once, as a killed process does; queue, history and caches are lost. */
  crash: () => Promise<void>;
  isRunning: () => boolean;
  inject: (fault: FaultInput) => void;
  clearFaults: (kind?: FaultKind) => void;
  /** Prompts that started to run, in order, since the simulator was made; crashes do not clear it. */
  log: () => readonly ExecutionLogEntry[];
  /** Models read and swapped on the simulated GPU so far. */
  modelCounts: () => { swaps: number; loads: number };
  /** Open prompts: running and pending. */
  remaining: () => number;
  files: FileStore;
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** Builds a simulator; opens nothing until `start`. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  const equipment = equip(options);
  const { clock, files, faults, log, gpu, host, onError } = equipment;

  let session: Session | undefined;
  let port = options.port ?? 0;
  let isSeeded = false;
  /** Ends what waits to bring a crashed server back. */
  let stopped = new AbortController();
  /** Starts and ends follow one another. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(action: () => Promise<T>): Promise<T> {
    const next = turn.then(action, action);
    turn = next.catch(() => undefined);
    return next;
  }

  async function seed(): Promise<void> {
    if (isSeeded) return;
    isSeeded = true;
    if (!files.names('input').includes('example.png')) await files.write('input', 'example.png', await exampleImage());
    for (const [path, bytes] of Object.entries(options.seedFiles ?? {})) {
      const at = path.indexOf('/');
      await files.write(path.slice(0, at) as FolderType, path.slice(at + 1), bytes);
    }
  }

  const start = (): Promise<SimulatorAddress> =>
    inTurn(async () => {
      if (stopped.signal.aborted) stopped = new AbortController();
      await seed();
      if (session === undefined) {
        gpu.unload();
        session = await startSession({ ...equipment, port, inject });
        port = session.port;
      }
      return { url: `http://${host}:${port}`, port };
    });

  const end = (how: 'stop' | 'crash'): Promise<void> =>
    inTurn(async () => {
      const ending = session;
      session = undefined;
      await ending?.end(how);
    });

  function inject(input: FaultInput): void {
    const fault: Fault = faultSchema.parse(input);
    if (!isEvent(fault)) {
      faults.add(fault);
      return;
    }
    if (fault.kind === 'close-sockets') {
      session?.closeSockets();
      return;
    }
    const restartAfterMs = fault.kind === 'restart' ? 0 : fault.restartAfterMs;
    const { signal } = stopped;
    const comeBack = async (): Promise<void> => {
      await end('crash');
      if (restartAfterMs === undefined || signal.aborted) return;
      await clock.sleep(restartAfterMs, signal);
      await start();
    };
    comeBack().catch((error: unknown) => {
      if (!signal.aborted) onError(error);
    });
  }

  return {
    start,
    stop: () => {
      stopped.abort();
      return end('stop');
    },
    crash: () => end('crash'),
    isRunning: () => session !== undefined,
    inject,
    clearFaults: (kind) => faults.clear(kind),
    log: log.entries,
    modelCounts: gpu.counts,
    remaining: () => session?.remaining() ?? 0,
    files,
  };
}

/** What a simulator is made of, with what the options leave open filled in. It outlives crashes. */
function equip(options: SimulatorOptions): Omit<SessionDependencies, 'port' | 'inject'> {
  const {
    clock = systemSimClock,
    profile = defaultProfile,
    testNodes: hasTestNodes = false,
    controls = false,
  } = options;
  const traits = versionTraits(options.version ?? '0.8.0');
  const inventory = inventoryOf(options.inventory);
  const files = options.files ?? createMemoryFiles(clock.now);
  const declared = new Map([
    ...loadObjectInfo(traits.registryVersion),
    ...declaredClasses(hasTestNodes ? testNodeClasses : {}),
    ...declaredClasses(options.extraClasses ?? {}),
  ]);
  const objectInfo = options.classCount === undefined ? declared : generateObjectInfo(declared, options.classCount);
  return {
    traits,
    clock,
    profile,
    inventory,
    files,
    faults: createFaultBoard(),
    log: createExecutionLog(),
    gpu: createGpuMemory(profile),
    library: new Map([...createNodeLibrary(), ...(hasTestNodes ? Object.entries(testNodes) : [])]),
    registry: createSimRegistry(objectInfo, inventory, files),
    host: options.host ?? '127.0.0.1',
    speed: options.speed ?? 0,
    cache: options.cache ?? { kind: 'classic' },
    sendsPreviews: options.previews ?? true,
    hasControls: controls,
    emptyModels: options.inventory === 'recorded' ? emptyRecordedModels : new Set(),
    serviceTimeMs: options.serviceTimeMs ?? (controls ? postedServiceTime : () => undefined),
    newId: options.newId ?? randomUUID,
    randomLetters: options.randomLetters ?? drawLetters,
    onError: options.onError ?? throwLater,
  };
}

function inventoryOf(chosen: SimulatorOptions['inventory'] = 'demo'): Inventory {
  if (chosen === 'demo') return demoInventory;
  return chosen === 'recorded' ? recordedInventory : chosen;
}

/** Model files that the recorded servers had as empty files: loading them fails. */
const emptyRecordedModels: ReadonlySet<string> = new Set(
  Object.entries(recordedInventory).flatMap(([folder, names]) => (folder === 'checkpoints' ? [] : names)),
);

function declaredClasses(classes: JsonObject): PyDict {
  const declared = pythonFromJson(classes);
  return declared instanceof Map ? declared : new Map();
}

function drawLetters(count: number): string {
  return Array.from({ length: count }, () => letters[randomInt(letters.length)]).join('');
}

function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}

/** For tests over HTTP: the poster may say what the prompt takes. */
function postedServiceTime(item: QueuedPrompt): number | undefined {
  const ms = item.extraData['simulated_service_ms'];
  return typeof ms === 'number' && ms >= 0 ? ms : undefined;
}
