import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { createExecutor } from '../executor/create-executor.ts';
import type { Executor, ExecutorDependencies } from '../executor/create-executor.ts';
import type { Fault } from '../faults/fault.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { createPromptQueue } from '../queue/prompt-queue.ts';
import type { PromptQueue } from '../queue/prompt-queue.ts';
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
import { createServerLog } from './server-log.ts';
import type { ServerLog } from './server-log.ts';
import { createSocketHub } from './socket-hub.ts';
import type { SocketHub } from './socket-hub.ts';
import { createSystemRoutes } from './system-routes.ts';

export interface SessionDependencies extends Omit<ExecutorDependencies, 'registry' | 'queue' | 'events' | 'announce'> {
  traits: VersionTraits;
  inventory: Inventory;
  registry: SimRegistry;
  host: string;
  port: number;
  hasControls: boolean;
  newId: () => string;
  inject: (fault: Fault) => void;
  onError: (error: unknown) => void;
}

/** One life of the server, from listener to crash or stop: what a ComfyUI process has in memory. */
export interface Session {
  port: number;
  remaining: () => number;
  closeSockets: () => void;
  /** Crash: connections are cut. Stop: sockets get a close frame first. */
  end: (how: 'crash' | 'stop') => Promise<void>;
}

/** Why everything that waits is given up when a session ends. */
class SessionEnded extends Error {
  override readonly name = 'SessionEnded';
}

/** Opens the listener and starts the executor. */
export async function startSession(dependencies: SessionDependencies): Promise<Session> {
  const { faults, files, registry } = dependencies;
  const ended = new AbortController();
  const { signal } = ended;
  const queue = createPromptQueue(() => hub.broadcastStatus());
  const hub = createSocketHub({
    features: dependencies.traits.features,
    faults,
    remaining: queue.remaining,
    newId: () => dependencies.newId().replaceAll('-', ''),
  });
  const serverLog = createServerLog({ hub, now: dependencies.clock.now });
  serverLog.write(`ComfyUI simulator ${dependencies.traits.version}`);
  const executor = createExecutor({
    ...dependencies,
    registry: registry.parsed(),
    queue,
    events: hub,
    announce: serverLog.write,
  });
  const server = createServer(createHandler(dependencies, queue, executor, serverLog, signal));
  const sockets = acceptSockets(server, dependencies, hub, signal);
  await files.clearTemp();
  await listen(server, dependencies);
  const loop = executor.run(signal).catch((error: unknown) => {
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

function createHandler(
  dependencies: SessionDependencies,
  queue: PromptQueue,
  executor: Executor,
  serverLog: ServerLog,
  signal: AbortSignal,
): ReturnType<typeof createHttpHandler> {
  const { traits, clock, files, faults, registry } = dependencies;
  const delay = (ms: number): Promise<void> => clock.sleep(ms, signal);
  const prompts = createPromptRoutes({
    queue,
    traits,
    files,
    faults,
    delay,
    registry: registry.parsed,
    now: clock.now,
    newId: dependencies.newId,
    announce: serverLog.write,
  });
  const routes: Route[] = [
    prompts.get,
    createQueueRoutes({ queue, interrupt: executor.interrupt, free: executor.free }),
    createJobsRoutes({ queue, traits, interrupt: executor.interrupt }),
    createFileRoutes(files),
    createModelRoutes({ registry, inventory: dependencies.inventory, traits, faults, delay }),
    createSystemRoutes(traits),
    serverLog.route,
  ];
  if (dependencies.hasControls) {
    routes.push(
      createControlRoutes({
        log: dependencies.log,
        counts: dependencies.gpu.counts,
        activeFaults: faults.active,
        inject: dependencies.inject,
        clearFaults: faults.clear,
        afterAnswer: (action) => setImmediate(action),
      }),
    );
  }
  return createHttpHandler({
    routes,
    postPrompt: prompts.post,
    whileHung: () => faults.whileNone(['hang'], signal),
    onError: dependencies.onError,
  });
}

/** Takes WebSocket upgrades at `/ws`; while the server hangs they wait. */
function acceptSockets(
  server: Server,
  { faults }: SessionDependencies,
  hub: SocketHub,
  signal: AbortSignal,
): WebSocketServer {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 16 * 1024 * 1024 });
  server.on('upgrade', (request, socket, head) => {
    // By hand: not every target that a client can send is a URL.
    const [path = '', query = ''] = (request.url ?? '/').split('?', 2);
    const isSocketPath = path === '/ws' || path === '/api/ws';
    // The other side may go at any time; nobody else listens before the upgrade.
    socket.on('error', () => socket.destroy());
    if (!isSocketPath || isForeignOrigin(request.headers.host, request.headers.origin)) {
      const status = isSocketPath ? '403 Forbidden' : '404 Not Found';
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const accept = (): void =>
      sockets.handleUpgrade(request, socket, head, (accepted) =>
        hub.accept(accepted, new URLSearchParams(query).get('clientId') ?? ''),
      );
    if (!faults.has('hang')) accept();
    else faults.whileNone(['hang'], signal).then(accept, () => socket.destroy());
  });
  return sockets;
}

function listen(server: Server, { host, port }: SessionDependencies): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
