import type { Logger } from 'pino';
import { AppError } from '../errors/app-error.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat-file.ts';

/** A service that runs: what `main.ts` needs to end it. */
export interface RunningService {
  /** Ends in good order: no new work, what runs is finished or handed back. */
  stop(): Promise<void>;
  /** What to tell the launcher once ready, such as the page's address. */
  ready?: Record<string, string>;
  /** Rejects when the service cannot go on: it is then stopped, and the process ends with 1. */
  running?: Promise<unknown>;
}

/**
 * The whole of a service's `main.ts`: starts it, tells a parent process that it is ready, ends it at SIGTERM, SIGINT or
 * when the parent is gone, and sets the exit code: 0 for an ordered end, 1 when the start or the end failed.
 *
 * @param start builds and starts the service; an {@link AppError} of code `config` is printed without a stack.
 */
export async function runService(name: string, log: Logger, start: () => Promise<RunningService>): Promise<void> {
  // A launcher that was killed cannot say goodbye: its end closes the channel, also while the start still waits.
  let leave = (reason: string): void => {
    log.warn({ reason }, `${name} ends before it was ready`);
    process.exit(1);
  };
  process.once('disconnect', () => leave('the launcher is gone'));
  let service: RunningService;
  try {
    service = await start();
  } catch (error) {
    if (error instanceof AppError && error.code === 'config') process.stderr.write(`${name}: ${error.message}\n`);
    else log.fatal({ err: error }, `${name} could not start`);
    process.exit(1);
  }
  const heartbeatFile = process.env['ATELIER_HEARTBEAT_FILE'] ?? '';
  const heartbeat: Heartbeat | undefined = heartbeatFile === '' ? undefined : startHeartbeat(heartbeatFile, log);
  let stopping = false;
  const stop = (reason: string, exitCode = 0): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, `${name} is stopping`);
    Promise.all([service.stop(), heartbeat?.stop()]).then(
      () => process.exit(exitCode),
      (error: unknown) => {
        log.fatal({ err: error }, `${name} did not stop in good order`);
        process.exit(1);
      },
    );
  };
  // Not `once`: a second signal would then find no handler and kill what is draining.
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  leave = stop;
  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: reason }, 'a promise was rejected and nobody looked: this is a bug');
    process.exit(1);
  });
  process.on('uncaughtException', (error) => {
    if (isCutPostgresConnection(error)) {
      log.warn({ err: error }, 'a Postgres connection was cut while it was written to; the next query opens another');
      return;
    }
    log.fatal({ err: error }, 'an error was thrown and nobody caught it: this is a bug');
    process.exit(1);
  });
  service.running?.catch((error: unknown) => {
    log.fatal({ err: error }, `${name} cannot go on`);
    stop('a failure', 1);
  });
  log.info(service.ready ?? {}, `${name} is ready`);
  process.send?.({ type: 'ready', service: name, ...service.ready });
}

/**
 * postgres.js 3.4 can write to a socket that has just been closed under it, from a timer, where nobody can catch it. The
 * query itself is rejected properly.
 */
export function isCutPostgresConnection(error: Error): boolean {
  const [, first = ''] = (error.stack ?? '').split('\n');
  return (
    error instanceof TypeError && /reading 'write'/.test(error.message) && /postgres[\\/].*connection\.js/.test(first)
  );
}
