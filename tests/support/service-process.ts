import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serviceNodeFlags } from '@atelier/launcher/child/node-flags';

/** A service that runs as its own process, as in production. */
export interface ServiceProcess {
  readonly name: string;
  readonly pid: number;
  /** What it said when it was ready, such as the page's address. */
  readonly ready: Record<string, string>;
  /** The last lines it logged. */
  log(): string;
  /** Ends it in good order. @returns its exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
}

export interface ServiceOptions {
  name: string;
  /** Path of its main file, from the repository's root. */
  main: string;
  args?: readonly string[];
  env: Record<string, string>;
  /** How long it may take until it says that it is ready. */
  readyMs?: number;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const keptLines = 400;

/** Starts a service and waits until it says that it is ready. @throws with its last lines when it does not. */
export async function startService(options: ServiceOptions): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [...serviceNodeFlags, options.main, ...(options.args ?? [])], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: process.env['HOME'] ?? '',
      // As `npm start` does: a service that was started before is ready in half the time.
      NODE_COMPILE_CACHE: join(root, '.atelier', 'compile-cache'),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const lines: string[] = [];
  const keep = (chunk: Buffer): void => {
    lines.push(...chunk.toString().split('\n').filter(Boolean));
    lines.splice(0, lines.length - keptLines);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const log = (): string => lines.join('\n');
  const ready = await waitUntilReady(child, options, log);
  return {
    name: options.name,
    pid: child.pid ?? 0,
    ready,
    log,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      return child.exitCode;
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

function waitUntilReady(
  child: ChildProcess,
  options: ServiceOptions,
  log: () => string,
): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`${options.name} was not ready in time:\n${log()}`));
    }, options.readyMs ?? 60_000);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${options.name} ended (${code ?? signal}) before it was ready:\n${log()}`));
    });
    child.on('message', (message: unknown) => {
      if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'ready') return;
      clearTimeout(timer);
      resolve(Object.fromEntries(Object.entries(message).map(([key, value]) => [key, String(value)])));
    });
  });
}
