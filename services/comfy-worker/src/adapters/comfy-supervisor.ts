import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@atelier/shared/log/create-logger';
import { createRestartPolicy, type RestartRules } from '../core/restart-policy.ts';

export interface ComfySupervisorOptions {
  /** Program and arguments; run without a shell, in our environment and folder. */
  command: readonly [string, ...string[]];
  /** Where it writes what it prints. A file and not a pipe, so that it outlives a worker that is killed. */
  logPath: string;
  rules: RestartRules;
  /** Between SIGTERM and SIGKILL. */
  endMs: number;
  log: Logger;
}

/**
 * Starts ComfyUI where it does not answer, and starts it again, with back-off, when it died or hangs. A ComfyUI that
 * answers although we did not start it is left alone.
 */
export interface ComfySupervisor {
  /** Told after every look whether ComfyUI answered. */
  looked(answers: boolean): void;
  /** Its executor hangs: ends it, if it is ours; the next look starts it again. */
  restart(): void;
  /** Ends it if it is ours. */
  stop(): Promise<void>;
}

const tailBytes = 4_096;
/** The file begins anew beyond this: progress bars of weeks interest nobody. */
const maxLogBytes = 16_777_216;

/** Builds the supervisor of one ComfyUI; starts nothing before the first look. */
export function createComfySupervisor(options: ComfySupervisorOptions): ComfySupervisor {
  const { command, log } = options;
  const policy = createRestartPolicy(options.rules);
  let child: ChildProcess | undefined;
  let output: FileHandle | undefined;
  let acting: Promise<void> | undefined;
  /** The log of the one before is still being read. */
  let lastWords: Promise<void> | undefined;
  let ending = false;
  let stopped = false;

  async function start(): Promise<void> {
    const [program, ...args] = command;
    await lastWords;
    await output?.close();
    output = await open(options.logPath, 'a+');
    await output.truncate(0);
    log.info({ program, log_file: options.logPath }, 'starting ComfyUI');
    const started = spawn(program, args, { stdio: ['ignore', output.fd, output.fd], windowsHide: true });
    child = started;
    ending = false;
    started.once('error', (error) => log.error({ err: error, program }, 'ComfyUI could not be started'));
    started.once('close', (code, signal) => {
      if (child === started) child = undefined;
      if (ending) log.info({ code, signal }, 'ComfyUI was ended');
      else lastWords = sayLastWords(code, signal);
    });
  }

  async function sayLastWords(code: number | null, signal: NodeJS.Signals | null): Promise<void> {
    log.error({ code, signal, last_lines: await lastLines(output) }, 'ComfyUI ended by itself');
  }

  async function end(): Promise<void> {
    const running = child;
    if (running === undefined) return;
    ending = true;
    const closed = once(running, 'close');
    running.kill('SIGTERM');
    const late = new AbortController();
    const kill = sleep(options.endMs, undefined, { signal: late.signal })
      .then(() => running.kill('SIGKILL'))
      .catch(() => false);
    await closed;
    late.abort();
    await kill;
  }

  /** One thing at a time. */
  function act(what: () => Promise<void>): void {
    if (acting !== undefined || stopped) return;
    acting = what()
      .catch((error: unknown) => log.error({ err: error }, 'ComfyUI could not be looked after'))
      .finally(() => (acting = undefined));
  }

  async function keepSmall(): Promise<void> {
    if (output !== undefined && (await output.stat()).size > maxLogBytes) await output.truncate(0);
  }

  return {
    looked(answers) {
      if (acting !== undefined || stopped) return;
      const decision = policy.decide({ running: child !== undefined, answers, now: performance.now() });
      if (decision === 'start') act(start);
      else if (decision === 'end') {
        log.error('ComfyUI does not answer for too long; it is ended and started again');
        act(end);
      } else act(keepSmall);
    },
    restart() {
      if (child === undefined) return;
      log.error('ComfyUI hangs; it is ended and started again');
      act(end);
    },
    async stop() {
      stopped = true;
      await acting;
      await end();
      await lastWords;
      await output?.close();
    },
  };
}

async function lastLines(output: FileHandle | undefined): Promise<string> {
  if (output === undefined) return '';
  try {
    const { size } = await output.stat();
    const buffer = Buffer.alloc(Math.min(size, tailBytes));
    await output.read(buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').split('\n').slice(-12).join('\n');
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}
