import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSimulator, type Simulator } from '@atelier/comfyui-sim/create-simulator';
import { createRandomStream } from '@atelier/comfyui-sim/picture/random-stream';
import { isAlive } from '@atelier/launcher/child/process-identity';
import { startService, type ServiceProcess } from '../support/service-process.ts';
import { gpuOf, gpus, processKeys, type Gpu, type ProcessKey, type WorkerKey } from './chaos-fault.ts';

/** A process that ended although nobody killed it. */
export interface UnexpectedEnd {
  key: ProcessKey;
  log: string;
}

/** All services of a platform as processes, and the ComfyUIs they work with. */
export interface ChaosWorld {
  readonly webUrl: string;
  readonly simulators: readonly Simulator[];
  /** As workers name it in Postgres. */
  instanceId(gpu: Gpu): string;
  isRunning(key: ProcessKey): boolean;
  /** SIGKILL; resolves when it is gone. Nothing happens to one that does not run. */
  kill(key: ProcessKey): Promise<void>;
  /** Starts it unless it runs, as often as it takes. */
  start(key: ProcessKey): Promise<void>;
  /** SIGSTOP now, SIGCONT after `forMs`, even when this process is gone by then. Resolves after it. */
  stall(worker: WorkerKey, forMs: number): Promise<void>;
  /** Starts what has ended by itself, as the supervisor does. */
  reviveEnded(): Promise<void>;
  readonly unexpectedEnds: readonly UnexpectedEnd[];
  log(key: ProcessKey): string;
  stop(): Promise<void>;
}

export interface ChaosWorldOptions {
  natsUrl: string;
  natsPrefix: string;
  databaseUrl: string;
  scale: number;
  seed: number;
}

interface Slot {
  service: ServiceProcess | undefined;
  /** It is down on purpose, or being started. */
  busy: Promise<void> | undefined;
}

const readyMs = 60_000;
const maxStarts = 5;

export async function startChaosWorld(options: ChaosWorldOptions): Promise<ChaosWorld> {
  const home = await mkdtemp(join(tmpdir(), 'atelier-chaos-'));
  const simulators = gpus.map((gpu) => {
    const random = createRandomStream('chaos service times', options.seed, gpu);
    return createSimulator({
      port: 0,
      speed: 1,
      serviceTimeMs: () => random.between(200, 1_300) / (options.scale === 1 ? 1 : 4),
    });
  });
  const addresses = await Promise.all(simulators.map((simulator) => simulator.start()));
  const slots = new Map<ProcessKey, Slot>(processKeys.map((key) => [key, { service: undefined, busy: undefined }]));
  const unexpectedEnds: UnexpectedEnd[] = [];
  let webPort = '0';
  const stopping = new AbortController();

  const slotOf = (key: ProcessKey): Slot => {
    const slot = slots.get(key);
    if (slot === undefined) throw new Error(`there is no ${key}`);
    return slot;
  };

  async function launch(key: ProcessKey): Promise<ServiceProcess> {
    const isWorker = key !== 'bot' && key !== 'agent';
    const service = await startService({
      name: key,
      main: `services/${isWorker ? 'comfy-worker' : key}/src/main.ts`,
      readyMs,
      env: {
        DATABASE_URL: options.databaseUrl,
        NATS_URL: options.natsUrl,
        NATS_PREFIX: options.natsPrefix,
        ATELIER_HOME: home,
        ATELIER_ASSETS_DIR: join(home, 'assets'),
        ATELIER_WEB_PORT: webPort,
        COMFYUI_URL: addresses[isWorker ? gpuOf(key) : 0]?.url ?? '',
        WORKER_TIME_SCALE: String(options.scale),
        LOG_LEVEL: 'debug',
      },
    });
    if (key === 'bot') webPort = new URL(service.ready['webUrl'] ?? '').port;
    return service;
  }

  function start(key: ProcessKey): Promise<void> {
    const slot = slotOf(key);
    slot.busy ??= (async () => {
      for (let attempt = 1; slot.service === undefined && !stopping.signal.aborted; attempt += 1) {
        try {
          slot.service = await launch(key);
        } catch (error) {
          if (attempt >= maxStarts) throw error;
          unexpectedEnds.push({ key, log: error instanceof Error ? error.message : String(error) });
        }
      }
    })().finally(() => (slot.busy = undefined));
    return slot.busy;
  }

  async function kill(key: ProcessKey): Promise<void> {
    const slot = slotOf(key);
    const { service } = slot;
    slot.service = undefined;
    await service?.kill();
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await Promise.allSettled(
      [...slots.values()].map(async (slot) => {
        await slot.busy?.catch(() => undefined);
        // One that was stalled must hear the signal.
        if (slot.service !== undefined && isAlive(slot.service.pid)) process.kill(slot.service.pid, 'SIGCONT');
        await slot.service?.stop();
      }),
    );
    await Promise.all(simulators.map((simulator) => simulator.stop()));
    await rm(home, { recursive: true, force: true });
  }

  const world: ChaosWorld = {
    get webUrl() {
      return `http://127.0.0.1:${webPort}`;
    },
    simulators,
    instanceId: (gpu) => new URL(addresses[gpu]?.url ?? '').host,
    isRunning: (key) => slotOf(key).service !== undefined,
    kill,
    start,
    async stall(worker, forMs) {
      const pid = slotOf(worker).service?.pid;
      if (pid === undefined) return;
      const script = 'kill -s STOP "$1" 2>/dev/null; sleep "$2"; kill -s CONT "$1" 2>/dev/null';
      const shell = spawn('/bin/sh', ['-c', script, 'stall', String(pid), (forMs / 1_000).toFixed(3)], {
        stdio: 'ignore',
        detached: true,
      });
      await once(shell, 'exit');
    },
    async reviveEnded() {
      await Promise.all(
        [...slots].map(async ([key, slot]) => {
          const { service } = slot;
          if (service === undefined || slot.busy !== undefined || isAlive(service.pid)) return;
          slot.service = undefined;
          unexpectedEnds.push({ key, log: service.log() });
          await start(key);
        }),
      );
    },
    unexpectedEnds,
    log: (key) => slotOf(key).service?.log() ?? '',
    stop,
  };
  try {
    await Promise.all(processKeys.map((key) => start(key)));
  } catch (error) {
    await stop();
    throw error;
  }
  return world;
}
