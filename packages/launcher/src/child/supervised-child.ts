import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { StartupError } from '../errors/startup-error.ts';
import { serviceNodeFlags } from './node-flags.ts';
import { sendSignal, waitUntil } from './end-process.ts';
import { restartDelayMs, steadyAfterMs } from './restart-delay.ts';

/** One of our own programs, run by Node. */
export interface ChildSpec {
  readonly name: string;
  /** Absolute path of a `.ts` or `.js` file. */
  readonly script: string;
  readonly args?: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** How long it may drain after SIGTERM. */
  readonly stopGraceMs: number;
}

export interface ChildWatcher {
  /** One line that the child printed. */
  line(name: string, text: string): void;
  /** Something that people should know: it ended, it is started again. */
  notice(name: string, text: string): void;
  /** The child has a new process id, or none. */
  changed(): void;
}

/** What a service sends over the IPC channel once it serves. */
const readyMessage = z.looseObject({ type: z.literal('ready') });
export type ReadyMessage = z.infer<typeof readyMessage>;

export interface SupervisedChild {
  readonly name: string;
  /** Undefined between an end and the next start. */
  readonly pid: number | undefined;
  /** Resolves at the first ready message; rejects with a StartupError when the program gives up before it. */
  readonly ready: Promise<ReadyMessage>;
  /** SIGTERM, then SIGKILL after the grace. Resolves when it is gone; it is not started again. */
  stop(): Promise<void>;
  /** Ends it at once, and whatever it started. */
  kill(): void;
}

const parentWatch = fileURLToPath(new URL('parent-watch.ts', import.meta.url));
/** A first start that is killed by a signal this often is not going to work. */
const maxStartsBeforeReady = 5;

/**
 * Runs a program and starts it again with back-off whenever it ends unasked.
 *
 * States: `running` (a process exists; entered at creation and after each wait), `waiting` (it ended; a timer starts the next),
 * `failed` (it gave up before it was ever ready: an exit code of its own choice, such as a bad setting, will not get better;
 * `ready` rejects), `stopped` (asked to end; final).
 */
export function superviseChild(spec: ChildSpec, watcher: ChildWatcher): SupervisedChild {
  const ready = Promise.withResolvers<ReadyMessage>();
  // Whoever stops before it is ready may never look.
  ready.promise.catch(() => undefined);
  let state: 'running' | 'waiting' | 'failed' | 'stopped' = 'waiting';
  let wasReady = false;
  let failures = 0;
  let child: ChildProcess | undefined;
  let timer: NodeJS.Timeout | undefined;

  function start(): void {
    state = 'running';
    const startedAt = performance.now();
    // A session of its own: Ctrl-C reaches only the launcher, which ends everything in order.
    const current = spawn(
      process.execPath,
      [...serviceNodeFlags, '--import', parentWatch, spec.script, ...(spec.args ?? [])],
      {
        cwd: spec.cwd,
        env: spec.env,
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
        detached: true,
      },
    );
    child = current;
    for (const stream of [current.stdout, current.stderr]) if (stream !== null) forwardLines(stream);
    current.on('message', (message) => {
      const parsed = readyMessage.safeParse(message);
      if (!parsed.success) return;
      wasReady = true;
      ready.resolve(parsed.data);
    });
    const end = (how: string, mayBeTriedAgain: boolean): void => {
      child = undefined;
      ended(how, mayBeTriedAgain, performance.now() - startedAt);
      watcher.changed();
    };
    current.on('error', (error) => {
      // One that never was a process has no exit to wait for: the system may be short of processes, or the folder gone.
      if (current.pid === undefined) end(`could not be started (${error.message})`, true);
      else watcher.notice(spec.name, error.message);
    });
    current.once('exit', (code, signal) => {
      end(signal === null ? `ended with code ${code}` : `was ended by ${signal}`, signal !== null);
    });
    watcher.changed();
  }

  /** @param mayBeTriedAgain false for an exit code of its own choice. */
  function ended(how: string, mayBeTriedAgain: boolean, uptimeMs: number): void {
    if (state === 'stopped') return;
    failures = uptimeMs >= steadyAfterMs ? 1 : failures + 1;
    if (!wasReady && (!mayBeTriedAgain || failures >= maxStartsBeforeReady)) {
      state = 'failed';
      ready.reject(new StartupError(`${spec.name} ${how} before it was ready: see what it says above.`));
      return;
    }
    const delayMs = restartDelayMs(failures);
    watcher.notice(spec.name, `${how}; starting it again in ${delayMs} ms`);
    state = 'waiting';
    timer = setTimeout(start, delayMs);
  }

  function forwardLines(stream: Readable): void {
    createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (text) =>
      watcher.line(spec.name, text),
    );
  }

  async function stop(): Promise<void> {
    state = 'stopped';
    clearTimeout(timer);
    ready.reject(new StartupError(`${spec.name} was stopped before it was ready.`));
    const current = child;
    if (current === undefined) return;
    current.kill('SIGTERM');
    if (await waitUntil(() => child === undefined, spec.stopGraceMs)) return;
    watcher.notice(spec.name, `did not end within ${spec.stopGraceMs / 1_000} s; ending it for good`);
    kill();
    await waitUntil(() => child === undefined, 2_000);
  }

  function kill(): void {
    state = 'stopped';
    clearTimeout(timer);
    if (child?.pid !== undefined) sendSignal(-child.pid, 'SIGKILL');
  }

  start();
  return {
    name: spec.name,
    get pid() {
      return child?.pid;
    },
    ready: ready.promise,
    stop,
    kill,
  };
}
