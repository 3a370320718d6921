import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endProcess, sendSignal, waitUntil } from '../child/end-process.ts';
import { commandLineOf, isAlive } from '../child/process-identity.ts';
import { lastLine, runCommand } from '../child/run-command.ts';
import { spawnServer, type ServerPort, type ServerProcess } from '../child/server-process.ts';
import { StartupError } from '../errors/startup-error.ts';
import { findFreePort } from '../net/free-port.ts';
import { placeBinaries, placeCluster } from './place-postgres.ts';
import { findPostgresBinaries, postgresProgram, type PostgresBinaries } from './postgres-binaries.ts';
import { choosePostgresUser, type SystemUser } from './postgres-user.ts';
import { parsePostmasterFile } from './postmaster-pid.ts';

export interface StartPostgresServerOptions {
  /** Absolute folder of the cluster; made when absent. */
  readonly dataDir: string;
  /** Password of the superuser `postgres`; fixed when the cluster is made. */
  readonly password: string;
  /** Without it a free one is taken. */
  readonly port?: ServerPort;
  /** False trades safety for speed: a crash of the machine may lose the cluster (tests only). Defaults to true. */
  readonly durable?: boolean;
  /** Told in one line what is being done when it takes a while. */
  readonly say?: (line: string) => void;
}

const startTimeoutMs = 60_000;
const stopGraceMs = 15_000;
const initdbTimeoutMs = 120_000;
const maxLogBytes = 10_000_000;
const maxAttempts = 20;
const retryAfterMs = 250;
/** For the immediate shutdown of one that did not answer to a fast one. */
const immediateGraceMs = 5_000;

// One machine, a few services with small pools: little memory, no parallel workers to speak of, no compiled queries.
const settings = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=64MB',
  'max_wal_size=512MB',
  'wal_compression=on',
  'jit=off',
  'io_method=sync',
  'max_parallel_workers_per_gather=0',
  'log_min_messages=warning',
  'log_checkpoints=off',
  'idle_in_transaction_session_timeout=60s',
  'tcp_keepalives_idle=30',
  'timezone=UTC',
  'log_timezone=UTC',
];
const durableSettings = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'];
const hastySettings = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'wal_level=minimal',
  'max_wal_senders=0',
];

/**
 * Starts an embedded Postgres on loopback (UTF8, C.UTF-8) and resolves, with
 * `postgresql://postgres:<password>@127.0.0.1:<port>/postgres`, when it takes connections. The first start makes the cluster;
 * one left half-made is made again. A server left running on the folder by a killed start is ended first.
 *
 * @throws StartupError with the telling line of its log or of initdb.
 */
export async function startPostgresServer(options: StartPostgresServerOptions): Promise<ServerProcess> {
  const say = options.say ?? (() => undefined);
  const ownUid = process.getuid?.();
  const user = await choosePostgresUser(ownUid, join(options.dataDir, 'data'), say);
  const clusterDir = await placeCluster(options.dataDir, user, say);
  const binaries = await placeBinaries(await findPostgresBinaries(), user, say);
  const pgData = join(clusterDir, 'data');
  await mkdir(clusterDir, { recursive: true });
  if (user !== undefined) await chown(clusterDir, user.uid, user.gid);

  await endLeftBehind(pgData);
  if (!existsSync(join(pgData, 'PG_VERSION'))) {
    say('Postgres: making the database');
    await makeCluster({
      clusterDir,
      pgData,
      binaries,
      user,
      password: options.password,
      durable: options.durable ?? true,
    });
  }
  for (let attempt = 1; ; attempt += 1) {
    const port = typeof options.port === 'number' ? options.port : await (options.port ?? findFreePort)();
    const outcome = await launch({ clusterDir, pgData, binaries, user, port, durable: options.durable ?? true });
    if (outcome.ok) return describe(outcome.server, port, options.password);
    // A dying server's processes hold its memory for a moment; a free port may be taken by another program meanwhile.
    const passing =
      /pre-existing shared memory block/.test(outcome.log) ||
      (typeof options.port !== 'number' && /could not (bind|create any TCP)/.test(outcome.log));
    if (!passing || attempt >= maxAttempts)
      throw new StartupError(
        `Postgres did not start: ${tellingLine(outcome.log)} (log: ${join(clusterDir, 'postgres.log')}).`,
      );
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
  }
}

interface Cluster {
  readonly clusterDir: string;
  readonly pgData: string;
  readonly binaries: PostgresBinaries;
  readonly user: SystemUser | undefined;
  readonly durable: boolean;
}

type Running = Pick<ServerProcess, 'pid' | 'exited' | 'stop'>;

function describe(server: Running, port: number, password: string): ServerProcess {
  return { ...server, port, url: `postgresql://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres` };
}

/** Makes the cluster aside and renames it, so that a start killed meanwhile leaves no half of one in place. */
async function makeCluster(cluster: Cluster & { readonly password: string }): Promise<void> {
  const { clusterDir, pgData, binaries, user } = cluster;
  for (const name of await readdir(clusterDir))
    if (name.startsWith('making-')) await rm(join(clusterDir, name), { recursive: true, force: true });
  await rm(pgData, { recursive: true, force: true });
  const workDir = join(clusterDir, `making-${randomUUID()}`);
  const passwordFile = join(workDir, 'password');
  await mkdir(workDir);
  await writeFile(passwordFile, `${cluster.password}\n`, { mode: 0o600 });
  if (user !== undefined) for (const path of [workDir, passwordFile]) await chown(path, user.uid, user.gid);
  const made = await runCommand(
    postgresProgram(binaries, 'initdb'),
    [
      `--pgdata=${join(workDir, 'data')}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      // The built-in provider needs no locale of the system.
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      ...(cluster.durable ? [] : ['--no-sync']),
    ],
    { ...user, cwd: clusterDir, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, timeoutMs: initdbTimeoutMs },
  );
  if (made.code !== 0) {
    await rm(workDir, { recursive: true, force: true });
    throw new StartupError(
      `The database could not be made (${lastLine(made.stderr)}): check free space and rights of ${clusterDir}.`,
    );
  }
  await rename(join(workDir, 'data'), pgData);
  await rm(workDir, { recursive: true, force: true });
}

async function launch(
  cluster: Cluster & { readonly port: number },
): Promise<{ ok: true; server: Running } | { ok: false; log: string }> {
  const { clusterDir, pgData, binaries, user, port } = cluster;
  const logFile = join(clusterDir, 'postgres.log');
  const logged = await stat(logFile).catch(() => undefined);
  const log = await open(logFile, (logged?.size ?? 0) > maxLogBytes ? 'w' : 'a', 0o600);
  const logStart = (await log.stat()).size;
  const flags = [...settings, ...(cluster.durable ? durableSettings : hastySettings), `port=${port}`];
  const server = spawnServer(
    postgresProgram(binaries, 'postgres'),
    ['-D', pgData, ...flags.flatMap((flag) => ['-c', flag])],
    { ...user, cwd: clusterDir, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, stdio: ['ignore', log.fd, log.fd] },
  );
  await log.close();
  const readLog = async () => (await readFile(logFile)).subarray(logStart).toString('utf8');
  if (server === undefined) return { ok: false, log: `${postgresProgram(binaries, 'postgres')} could not be started` };
  const { pid, exited, hasExited } = server;

  const settled = await waitUntil(async () => {
    if (hasExited()) return true;
    const file = parsePostmasterFile(await readFile(join(pgData, 'postmaster.pid'), 'utf8').catch(() => ''));
    return file?.pid === pid && file.ready;
  }, startTimeoutMs);
  if (hasExited()) return { ok: false, log: await readLog() };
  const stop = async () => {
    if (!hasExited()) await endPostmaster(pid);
    await exited;
  };
  if (!settled) {
    await stop();
    return { ok: false, log: `${await readLog()}\nnot ready after ${startTimeoutMs / 1_000} s` };
  }
  return { ok: true, server: { pid, exited, stop } };
}

/** Fast shutdown, then immediate shutdown; SIGKILL only for one that answers to neither. */
async function endPostmaster(pid: number): Promise<void> {
  if (!sendSignal(pid, 'SIGINT')) return;
  if (await waitUntil(() => !isAlive(pid), stopGraceMs)) return;
  await endProcess(pid, 'SIGQUIT', immediateGraceMs);
}

async function endLeftBehind(pgData: string): Promise<void> {
  const pidFile = join(pgData, 'postmaster.pid');
  const file = parsePostmasterFile(await readFile(pidFile, 'utf8').catch(() => ''));
  if (file === undefined) return;
  const commandLine = await commandLineOf(file.pid);
  if (commandLine?.includes(pgData) === true) await endPostmaster(file.pid);
  // Its number may belong to another program by now, in whose presence Postgres would refuse to start.
  else await rm(pidFile, { force: true });
}

function tellingLine(log: string): string {
  const lines = log.trim().split('\n');
  return (
    lines
      .filter((line) => /FATAL|PANIC/.test(line))
      .at(-1)
      ?.trim() ??
    lines.at(-1) ??
    'it printed nothing'
  );
}
