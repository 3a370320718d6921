import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startService, type ServiceProcess } from './service-process.ts';

export type ServiceKey = 'bot' | 'agent' | 'comfy-worker' | 'gateway';

/** The NATS and Postgres of one platform. */
export interface PlatformServers {
  databaseUrl: string;
  natsUrl: string;
  natsPrefix: string;
  /** Removes what was stored. */
  release(): Promise<void>;
}

export interface PlatformOptions {
  /** Those of the test run unless given. */
  servers?: PlatformServers;
  comfyuiUrl: string;
  /** Which services run; all but the gateway unless given. */
  services?: readonly ServiceKey[];
  /** Divides the waits of the recovery protocol. 10 unless given. */
  timeScale?: number;
  logLevel?: string;
  env?: Record<string, string>;
}

/** Atelier as it runs in production: real services in their own processes, real NATS, real Postgres. */
export interface Platform {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly natsPrefix: string;
  readonly home: string;
  /** The page's address; it stays the same when the bot is started again. */
  readonly webUrl: string;
  /** The gateway's addresses, where it runs: they stay the same when it is started again. */
  readonly gatewayUrl: string;
  readonly doorUrl: string;
  service(key: ServiceKey): ServiceProcess;
  /** SIGKILL. */
  kill(key: ServiceKey): Promise<void>;
  start(key: ServiceKey): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the services against a database and a stream prefix of their own. */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const [servers, home] = await Promise.all([
    options.servers ?? serversOfTestRun(),
    mkdtemp(join(tmpdir(), 'atelier-test-')),
  ]);
  const running = new Map<ServiceKey, ServiceProcess>();
  let webPort = '0';
  let gatewayPort = '0';
  let doorPort = '0';

  async function start(key: ServiceKey): Promise<void> {
    const service = await startService({
      name: key,
      main: `services/${key}/src/main.ts`,
      env: {
        DATABASE_URL: servers.databaseUrl,
        NATS_URL: servers.natsUrl,
        NATS_PREFIX: servers.natsPrefix,
        ATELIER_HOME: home,
        ATELIER_ASSETS_DIR: join(home, 'assets'),
        ATELIER_WEB_PORT: webPort,
        ATELIER_GATEWAY_PORT: gatewayPort,
        ATELIER_DOOR_PORT: doorPort,
        COMFYUI_URL: options.comfyuiUrl,
        WORKER_TIME_SCALE: String(options.timeScale ?? 10),
        LOG_LEVEL: options.logLevel ?? 'debug',
        ...options.env,
      },
    });
    running.set(key, service);
    if (key === 'bot') webPort = new URL(service.ready['webUrl'] ?? '').port;
    if (key === 'gateway') {
      gatewayPort = new URL(service.ready['gatewayUrl'] ?? '').port;
      doorPort = new URL(service.ready['doorUrl'] ?? '').port;
    }
  }

  async function stop(): Promise<void> {
    await Promise.all([...running.values()].map((service) => service.stop()));
    await servers.release();
    await rm(home, { recursive: true, force: true });
  }

  try {
    await Promise.all((options.services ?? (['bot', 'agent', 'comfy-worker'] as const)).map((key) => start(key)));
  } catch (error) {
    await stop();
    throw error;
  }
  const service = (key: ServiceKey): ServiceProcess => {
    const found = running.get(key);
    if (found === undefined) throw new Error(`${key} does not run`);
    return found;
  };
  return {
    databaseUrl: servers.databaseUrl,
    natsUrl: servers.natsUrl,
    natsPrefix: servers.natsPrefix,
    home,
    get webUrl() {
      return `http://127.0.0.1:${webPort}`;
    },
    get gatewayUrl() {
      return `http://127.0.0.1:${gatewayPort}`;
    },
    get doorUrl() {
      return `http://127.0.0.1:${doorPort}`;
    },
    service,
    kill: (key) => service(key).kill(),
    start,
    stop,
  };
}

async function serversOfTestRun(): Promise<PlatformServers> {
  // Only inside a test run does this module load.
  const { createTestDatabase, createTestNats } = await import('./servers.ts');
  const [database, nats] = await Promise.all([createTestDatabase(), createTestNats()]);
  return {
    databaseUrl: database.url,
    natsUrl: nats.url,
    natsPrefix: nats.prefix,
    async release() {
      await Promise.all([database.drop(), nats.clear()]);
    },
  };
}
