import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { z } from 'zod';
import { endProcess, waitUntil } from '../child/end-process.ts';
import { commandLineOf } from '../child/process-identity.ts';
import { spawnServer, type ServerPort, type ServerProcess } from '../child/server-process.ts';
import { StartupError } from '../errors/startup-error.ts';
import { natsConfig } from './nats-config.ts';

export interface StartNatsServerOptions {
  /** Absolute path of a nats-server program, 2.10 or newer. */
  readonly binary: string;
  /** Absolute folder for streams, configuration and log; made when absent. */
  readonly dataDir: string;
  /** Without it the server takes a free one. */
  readonly port?: ServerPort;
  /** Defaults to `always`: a message acknowledged is a message on disk. */
  readonly sync?: 'always' | number;
}

const startTimeoutMs = 20_000;
const stopGraceMs = 5_000;

/**
 * Starts a NATS server on loopback with JetStream and resolves, with `nats://127.0.0.1:<port>`, when it answers.
 * A server left running on the same folder by a killed start is ended first; two at one store would corrupt it.
 *
 * @throws StartupError with the telling line of its log when it does not answer within 20 s.
 */
export async function startNatsServer(options: StartNatsServerOptions): Promise<ServerProcess> {
  const { binary, dataDir } = options;
  const configFile = join(dataDir, 'nats.conf');
  const pidFile = join(dataDir, 'nats.pid');
  const portsDir = join(dataDir, 'ports');
  const logFile = join(dataDir, 'nats.log');
  await mkdir(dataDir, { recursive: true });
  await endLeftBehind(pidFile, configFile);
  await rm(portsDir, { recursive: true, force: true });
  await mkdir(portsDir);
  await writeFile(
    configFile,
    natsConfig({
      storeDir: join(dataDir, 'jetstream'),
      pidFile,
      portsDir,
      logFile,
      port: typeof options.port === 'function' ? await options.port() : (options.port ?? -1),
      sync: options.sync ?? 'always',
    }),
  );

  const server = spawnServer(binary, ['-c', configFile], { stdio: 'ignore' });
  if (server === undefined)
    throw new StartupError(`${binary} could not be started: check that it is a program for this machine.`);
  const { pid, exited, hasExited } = server;

  let port: number | undefined;
  const answers = await waitUntil(async () => {
    if (hasExited()) return true;
    port ??= await readClientPort(portsDir, pid);
    return port !== undefined && (await greets(port));
  }, startTimeoutMs);
  if (!answers || hasExited() || port === undefined) {
    await endProcess(pid, 'SIGINT', stopGraceMs);
    throw new StartupError(`The NATS server did not start: ${await logExcerpt(logFile)} (log: ${logFile}).`);
  }
  return {
    url: `nats://127.0.0.1:${port}`,
    port,
    pid,
    exited,
    async stop() {
      if (!hasExited()) await endProcess(pid, 'SIGINT', stopGraceMs);
      await exited;
    },
  };
}

const portsFile = z.object({ nats: z.array(z.string()).min(1) });

/** The server writes `{"nats":["nats://127.0.0.1:4222"],…}` once it listens. */
async function readClientPort(portsDir: string, pid: number): Promise<number | undefined> {
  const name = (await readdir(portsDir).catch(() => [])).find((file) => file.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  try {
    const address = portsFile.parse(JSON.parse(await readFile(join(portsDir, name), 'utf8'))).nats[0];
    return address === undefined ? undefined : Number(new URL(address).port);
  } catch {
    return undefined;
  }
}

/** True when a server greets with its INFO line: it speaks first in this protocol. */
function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(1_000, () => end(false));
    socket.once('error', () => end(false));
    socket.once('data', (chunk: Buffer) => end(chunk.toString('latin1').startsWith('INFO ')));
  });
}

async function endLeftBehind(pidFile: string, configFile: string): Promise<void> {
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10);
  if (!Number.isInteger(pid) || pid <= 1) return;
  const commandLine = await commandLineOf(pid);
  if (commandLine?.includes(configFile) === true) await endProcess(pid, 'SIGINT', stopGraceMs);
  await rm(pidFile, { force: true });
}

async function logExcerpt(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n');
  const telling = lines.filter((line) => /\[(FTL|ERR)\]/.test(line)).at(-1) ?? lines.at(-1);
  return telling === undefined || telling === '' ? 'it printed nothing' : telling;
}
