import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { keepServerRunning, type KeptServer } from '../child/keep-server-running.ts';
import { superviseChild, type ChildSpec, type SupervisedChild } from '../child/supervised-child.ts';
import { createHome, homeLayout, type HomeLayout } from '../home/home-layout.ts';
import { acquireRunLock } from '../home/run-lock.ts';
import { endLeftBehindChildren } from '../home/run-record.ts';
import { readOrCreateSecrets } from '../home/secrets.ts';
import { findNatsServer } from '../nats/find-nats-server.ts';
import { startNatsServer } from '../nats/start-nats-server.ts';
import { StartupError } from '../errors/startup-error.ts';
import { holdPort, type HeldPort } from '../net/free-port.ts';
import { openStablePorts, type StablePorts } from '../net/stable-ports.ts';
import { createTerminal, type Terminal } from '../output/terminal.ts';
import { startPostgresServer } from '../postgres/start-postgres-server.ts';
import type { LauncherSettings } from '../settings/launcher-settings.ts';
import type { Environment } from '../settings/read-environment.ts';
import type { Programs } from './programs.ts';
import { createRunRecorder } from './run-recorder.ts';
import { serviceEnvironment, type Addresses } from './service-environment.ts';

export interface StartAtelierOptions {
  readonly settings: LauncherSettings;
  /** All settings in force; passed on to the services. */
  readonly env: Environment;
  readonly programs: Programs;
  /** Working folder of the services. */
  readonly cwd: string;
  /** Folder of fetched programs (a NATS server). */
  readonly toolsDir: string;
  readonly print: (line: string) => void;
  readonly now: () => Date;
  /** Aborted when the person wants to stop, also during the start. */
  readonly signal: AbortSignal;
}

/** A launcher whose processes all serve. */
export interface RunningAtelier {
  readonly webUrl: string;
  /** Of the HTTP interface, and of the door for programs of ComfyUI. */
  readonly gatewayUrl: string | undefined;
  readonly doorUrl: string | undefined;
  readonly comfyuiUrl: string;
  readonly simulated: boolean;
  readonly home: HomeLayout;
  /** Drains the services, then ends the servers; resolves when every process is gone. */
  stop(): Promise<void>;
}

const defaultWebPort = 8484;
const maxPortAttempts = 5;
const serviceStopGraceMs = 12_000;
const simulatorStopGraceMs = 3_000;
/** Longer than any of the graces above, so that the stack never gives up before they have run out. */
const releaseTimeoutMs = 30_000;

/**
 * Starts everything in order: lock → what a killed run left is cleared → NATS, Postgres and simulator side by side → services.
 * Resolves when every service is ready. Whatever was started is ended again when a step fails or `signal` is aborted.
 *
 * @throws StartupError with one sentence that says what to do.
 */
export async function startAtelier(options: StartAtelierOptions): Promise<RunningAtelier> {
  const home = homeLayout(options.settings.home);
  await createHome(home);
  const terminal = createTerminal(home.logsDir, options.settings.logLevel ?? 'warn', options.print);
  const resources = new ResourceStack({
    debug: () => undefined,
    warn: (details: object, text?: string) => terminal.notice('launcher', `${text ?? ''} ${JSON.stringify(details)}`),
  });
  const close = () => resources.close(releaseTimeoutMs);
  resources.use('terminal', () => terminal.close());
  try {
    return { ...(await startAll(options, home, terminal, resources)), stop: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startAll(
  options: StartAtelierOptions,
  home: HomeLayout,
  terminal: Terminal,
  resources: ResourceStack,
): Promise<Omit<RunningAtelier, 'stop'>> {
  const { settings, signal } = options;
  const lock = await acquireRunLock(home.lockDir);
  resources.use('lock', () => lock.release());
  const leftBehind = await endLeftBehindChildren(home.runFile);
  if (leftBehind.length > 0) terminal.say(`Ended what an earlier run left behind: ${leftBehind.join(', ')}`);

  const ports = await openStablePorts(home.portsFile);
  const record = createRunRecorder(home.runFile, options.now(), (text) => terminal.notice('launcher', text));
  resources.use('run record', () => record.close());
  const { webHost, gatewayHost } = settings;
  const held = {
    web: await holdServicePort(ports, { name: 'web', host: webHost, wanted: settings.webPort }),
    gateway: await holdServicePort(ports, { name: 'gateway', host: gatewayHost, wanted: settings.gatewayPort }),
    door: await holdServicePort(ports, { name: 'door', host: gatewayHost, wanted: settings.doorPort }),
  };
  const releasePorts = async (): Promise<void> => {
    await Promise.all(Object.values(held).map((port) => port.release()));
  };
  resources.use('ports', releasePorts);
  const supervise = (spec: ChildSpec): SupervisedChild => {
    const child = superviseChild(spec, {
      line: (name, text) => terminal.line(name, text),
      notice: (name, text) => terminal.notice(name, text),
      changed: () => record.update(),
    });
    record.add(child);
    return child;
  };

  const started = await allOrNothing([
    startNats(options, home, ports, terminal, resources),
    startPostgres(options, home, ports, terminal, resources),
    startSimulator(options, home, ports, supervise, resources),
  ]);
  signal.throwIfAborted();
  const [natsUrl, databaseUrl, comfyuiUrl] = started;
  const addresses: Addresses = {
    natsUrl,
    databaseUrl,
    comfyuiUrl,
    webHost,
    webPort: held.web.port,
    gatewayHost,
    gatewayPort: held.gateway.port,
    doorPort: held.door.port,
  };
  record.set({ natsUrl, databaseUrl, comfyuiUrl });

  await releasePorts();
  const services = serviceSpecs(options, home, addresses).map(supervise);
  resources.use('services', () => Promise.all(services.map((service) => service.stop())).then(() => undefined));
  const messages = await unlessAborted(Promise.all(services.map((service) => service.ready)), signal);
  const toldUrl = (name: string): string | undefined =>
    messages.map((message) => message[name]).find((url) => typeof url === 'string');
  const webUrl = toldUrl('webUrl');
  if (webUrl === undefined) throw new StartupError('No service told the address of the page.');
  record.set({ webUrl });
  await record.written();
  const [gatewayUrl, doorUrl] = [toldUrl('gatewayUrl'), toldUrl('doorUrl')];
  return { webUrl, gatewayUrl, doorUrl, comfyuiUrl, simulated: settings.comfyuiUrl === undefined, home };
}

/** How each service is run. Ports for figures follow one another. */
function serviceSpecs(options: StartAtelierOptions, home: HomeLayout, addresses: Addresses): ChildSpec[] {
  const env = serviceEnvironment(options.env, home, addresses);
  const { metricsPort } = options.settings;
  return options.programs.services.map(({ name, script }, index) => ({
    name,
    script,
    env: { ...env, ...(metricsPort === undefined ? {} : { ATELIER_METRICS_PORT: String(metricsPort + index) }) },
    cwd: options.cwd,
    stopGraceMs: serviceStopGraceMs,
  }));
}

/** The ports that people know, with the setting that changes each. */
const knownPorts = {
  web: { preferred: defaultWebPort, setting: 'ATELIER_WEB_PORT' },
  gateway: { preferred: 8485, setting: 'ATELIER_GATEWAY_PORT' },
  door: { preferred: 8486, setting: 'ATELIER_DOOR_PORT' },
} as const;

/** Holds a port until its service starts: another copy that starts now must choose another. */
async function holdServicePort(
  ports: StablePorts,
  { name, host, wanted }: { name: keyof typeof knownPorts; host: string; wanted: number | undefined },
): Promise<HeldPort> {
  const { preferred, setting } = knownPorts[name];
  for (let attempt = 0; attempt < maxPortAttempts; attempt += 1) {
    const port = wanted ?? (await ports.choose(name, { preferred, host }));
    const held = await holdPort(port, host);
    if (held !== undefined) return held;
    if (wanted !== undefined) break;
  }
  throw new StartupError(
    `Port ${wanted ?? preferred} of ${host} cannot be used: end the program that has it, or set ${setting} to another.`,
  );
}

async function startNats(
  { settings, toolsDir, env }: StartAtelierOptions,
  home: HomeLayout,
  ports: StablePorts,
  terminal: Terminal,
  resources: ResourceStack,
): Promise<string> {
  if (settings.natsUrl !== undefined) return settings.natsUrl;
  const say = (line: string) => terminal.say(line);
  const { path } = await findNatsServer({ toolsDir, searchPath: env['PATH'] ?? '', say });
  const server = await keepServerRunning(
    (port) => startNatsServer({ binary: path, dataDir: home.natsDir, port: port ?? (() => ports.choose('nats')) }),
    (text) => terminal.notice('nats', text),
  );
  resources.use('NATS', () => server.stop());
  return server.url;
}

async function startPostgres(
  { settings }: StartAtelierOptions,
  home: HomeLayout,
  ports: StablePorts,
  terminal: Terminal,
  resources: ResourceStack,
): Promise<string> {
  if (settings.databaseUrl !== undefined) return settings.databaseUrl;
  const say = (line: string) => terminal.say(line);
  const { postgresPassword: password } = await readOrCreateSecrets(home.secretsFile);
  const server: KeptServer = await keepServerRunning(
    (port) =>
      startPostgresServer({
        dataDir: home.postgresDir,
        password,
        port: port ?? (() => ports.choose('postgres')),
        say,
      }),
    (text) => terminal.notice('postgres', text),
  );
  resources.use('Postgres', () => server.stop());
  return server.url;
}

async function startSimulator(
  options: StartAtelierOptions,
  home: HomeLayout,
  ports: StablePorts,
  supervise: (spec: ChildSpec) => SupervisedChild,
  resources: ResourceStack,
): Promise<string> {
  if (options.settings.comfyuiUrl !== undefined) return options.settings.comfyuiUrl;
  const port = await ports.choose('simulator');
  const { name, script } = options.programs.simulator;
  const { simulatorSpeed } = options.settings;
  const simulator = supervise({
    name,
    script,
    args: [
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      home.simulatorDir,
      '--speed',
      String(simulatorSpeed),
    ],
    env: { ...options.env },
    cwd: options.cwd,
    stopGraceMs: simulatorStopGraceMs,
  });
  resources.use('simulator', () => simulator.stop());
  await unlessAborted(simulator.ready, options.signal);
  return `http://127.0.0.1:${port}`;
}

/** Waits for all of them, also after one has failed, so that nothing is still starting when the failure is handled. */
async function allOrNothing<const T extends readonly Promise<string>[]>(
  starts: T,
): Promise<{ [K in keyof T]: string }> {
  const outcomes = await Promise.allSettled(starts);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return Promise.all(starts) as Promise<{ [K in keyof T]: string }>;
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([work, aborted]);
}
