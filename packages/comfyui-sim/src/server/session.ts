import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import type { SimClock } from '../clock/sim-clock.ts';
import { createChangeTokens } from '../executor/change-tokens.ts';
import { runExecutorLoop } from '../executor/executor-loop.ts';
import { createOutputCache } from '../executor/output-cache.ts';
import type { CacheMode } from '../executor/output-cache.ts';
import { createFixedPacer, createPacer } from '../executor/pacer.ts';
import type { Pacer } from '../executor/pacer.ts';
import { createNodeRunner } from '../executor/run-node.ts';
import { runPrompt } from '../executor/run-prompt.ts';
import type { FaultBoard } from '../faults/fault-board.ts';
import type { Fault } from '../faults/fault.ts';
import type { FileStore } from '../files/file-store.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { ExecutionLog } from '../log/execution-log.ts';
import type { NodeLibrary } from '../nodes/node-context.ts';
import type { GpuMemory } from '../profile/gpu-memory.ts';
import type { ServiceProfile } from '../profile/service-profile.ts';
import { createPromptQueue } from '../queue/prompt-queue.ts';
import type { QueuedPrompt } from '../queue/prompt-queue.ts';
import type { SimRegistry } from '../registry/sim-registry.ts';
import type { VersionTraits } from '../version/sim-version.ts';
import { createControlRoutes } from './control-routes.ts';
import { createFileRoutes } from './file-routes.ts';
import { createHttpHandler } from './http-handler.ts';
import type { Route } from './http-exchange.ts';
import { createJobsRoutes } from './jobs-routes.ts';
import { createModelRoutes } from './model-routes.ts';
import { createPromptRoutes } from './prompt-routes.ts';
import { createQueueRoutes } from './queue-routes.ts';
import { isForeignOrigin } from './same-origin.ts';
import { createSocketHub } from './socket-hub.ts';
import { createSystemRoutes } from './system-routes.ts';

export interface SessionDependencies {
  traits: VersionTraits;
  clock: SimClock;
  profile: ServiceProfile;
  inventory: Inventory;
  files: FileStore;
  faults: FaultBoard;
  log: ExecutionLog;
  gpu: GpuMemory;
  library: NodeLibrary;
  registry: SimRegistry;
  host: string;
  port: number;
  speed: number;
  cache: CacheMode;
  sendsPreviews: boolean;
  hasControls: boolean;
  emptyModels: ReadonlySet<string>;
  serviceTimeMs(item: QueuedPrompt): number | undefined;
  newId(): string;
  randomLetters(count: number): string;
  inject(fault: Fault): void;
  onError(error: unknown): void;
}

/** One life of the server, from listener to crash or stop: what a ComfyUI process has in memory. */
export interface Session {
  port: number;
  remaining(): number;
  closeSockets(): void;
  /** Crash: connections are cut. Stop: sockets get a close frame first. */
  end(how: 'crash' | 'stop'): Promise<void>;
}

/** Why everything that waits is given up when a session ends. */
class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
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

/** Opens the listener and starts the executor. */
export async function startSession(dependencies: SessionDependencies): Promise<Session> {
  const { traits, clock, files, faults, log, gpu, registry } = dependencies;
  const ended = new AbortController();
  const { signal } = ended;
  const queue = createPromptQueue(() => hub.broadcastStatus());
  const hub = createSocketHub({
    features: traits.features,
    faults,
    remaining: queue.remaining,
    newId: () => dependencies.newId().replaceAll('-', ''),
  });
  const cache = createOutputCache(dependencies.cache);
  /** What nodes keep between prompts, by id and class; gone when a prompt comes without them. */
  let objects = new Map<string, Map<string, string>>();
  let isInterrupted = false;
  let freed = { unloadModels: false, freeMemory: false };
  const pacers = new WeakMap<QueuedPrompt, Pacer>();

  function pacerFor(item: QueuedPrompt): Pacer {
    const known = pacers.get(item);
    if (known !== undefined) return known;
    const totalMs = dependencies.serviceTimeMs(item);
    const pacer =
      totalMs === undefined
        ? createPacer(clock, dependencies.speed, signal)
        : createFixedPacer(clock, dependencies.speed, signal, totalMs, stepsOf(item));
    pacers.set(item, pacer);
    return pacer;
  }

  const runner = createNodeRunner({
    registry: registry.parsed(),
    library: dependencies.library,
    events: hub,
    files,
    gpu,
    profile: dependencies.profile,
    clock,
    faults,
    sendsPreviews: dependencies.sendsPreviews,
    emptyModels: dependencies.emptyModels,
    pacerFor,
    takeInterrupt: () => {
      const was = isInterrupted;
      isInterrupted = false;
      return was;
    },
    whileStuck: async () => {
      // HTTP gets its turn between nodes, as it does beside ComfyUI's thread.
      await new Promise((resolve) => setImmediate(resolve));
      await faults.whileNone(['hang', 'executor-dead'], signal);
    },
    objectState: (id, classType) => {
      const key = `${id}:${classType}`;
      const kept = objects.get(key) ?? new Map<string, string>();
      objects.set(key, kept);
      return kept;
    },
    randomLetters: dependencies.randomLetters,
  });

  const changeTokens = createChangeTokens(files);

  const run = (item: QueuedPrompt) => {
    // An interrupt that came before the prompt started is forgotten, as in ComfyUI.
    isInterrupted = false;
    const current = new Set(Object.entries(item.workflow).map(([id, node]) => `${id}:${node.class_type}`));
    if (dependencies.cache.kind !== 'lru') objects = new Map([...objects].filter(([key]) => current.has(key)));
    return runPrompt(item, { registry: registry.parsed(), cache, events: hub, runner, now: clock.now, changeTokens, unloadModels: gpu.unload });
  };

  function applyFree(): void {
    if (freed.unloadModels || freed.freeMemory) gpu.unload();
    if (freed.freeMemory) {
      cache.clear();
      objects.clear();
    }
    freed = { unloadModels: false, freeMemory: false };
  }

  const interrupt = (): void => {
    isInterrupted = true;
  };
  const delay = (ms: number): Promise<void> => clock.sleep(ms, signal);
  const prompts = createPromptRoutes({
    queue, traits, files, faults, delay,
    registry: registry.parsed,
    now: clock.now,
    newId: dependencies.newId,
  });
  const routes: Route[] = [
    prompts.get,
    createQueueRoutes({
      queue,
      interrupt,
      free: (what) => {
        freed = { unloadModels: freed.unloadModels || what.unloadModels, freeMemory: freed.freeMemory || what.freeMemory };
        if (queue.running().length === 0) applyFree();
      },
    }),
    createJobsRoutes({ queue, traits, interrupt }),
    createFileRoutes(files),
    createModelRoutes({ registry, inventory: dependencies.inventory, traits, faults, delay }),
    createSystemRoutes(traits, () => `ComfyUI simulator ${traits.version}\n`),
  ];
  if (dependencies.hasControls) {
    routes.push(
      createControlRoutes({
        log,
        counts: gpu.counts,
        activeFaults: faults.active,
        inject: dependencies.inject,
        clearFaults: faults.clear,
        afterAnswer: (action) => setImmediate(action),
      }),
    );
  }

  const server = createServer(
    createHttpHandler({
      routes,
      postPrompt: prompts.post,
      whileHung: () => faults.whileNone(['hang'], signal),
      onError: dependencies.onError,
    }),
  );
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024 });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const isSocketPath = url.pathname === '/ws' || url.pathname === '/api/ws';
    if (!isSocketPath || isForeignOrigin(request.headers.host, request.headers.origin)) {
      socket.end(`HTTP/1.1 ${isSocketPath ? '403 Forbidden' : '404 Not Found'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const accept = (): void =>
      sockets.handleUpgrade(request, socket, head, (accepted) => hub.accept(accepted, url.searchParams.get('clientId') ?? ''));
    if (!faults.has('hang')) {
      accept();
      return;
    }
    socket.on('error', () => socket.destroy());
    faults.whileNone(['hang'], signal).then(accept, () => socket.destroy());
  });
  await files.clearTemp();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(dependencies.port, dependencies.host, () => {
      server.off('error', reject);
      resolve();
    });
  });

  const loop = runExecutorLoop(
    { queue, events: hub, log, now: clock.now, run, afterPrompt: applyFree, whileStuck: () => faults.whileNone(['hang', 'executor-dead'], signal) },
    signal,
  ).catch((error: unknown) => {
    if (!(error instanceof SessionEnded)) dependencies.onError(error);
  });

  return {
    port: (server.address() as AddressInfo).port,
    remaining: queue.remaining,
    closeSockets: () => hub.closeAll('close'),
    end: async (how) => {
      ended.abort(new SessionEnded('The simulator ended.'));
      hub.closeAll(how === 'crash' ? 'terminate' : 'close');
      sockets.close();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeAllConnections();
      hub.closeAll('terminate');
      await Promise.all([closed, loop]);
    },
  };
}
