import type { Logger } from 'pino';
import { AppError } from '../errors/app-error.ts';
import type { ServiceCounters } from '../metrics/service-counters.ts';
import { startHealthServer, type HealthServer, type MetricsSource } from './health-server.ts';
import { startHeartbeat, type Heartbeat } from './heartbeat-file.ts';

/** A service that runs: what `main.ts` needs to end it. */
export interface RunningService {
  /** Ends in good order: no new work, what runs is finished or handed back. */
  stop(): Promise<void>;
  /** What to tell the launcher once ready, such as the page's address. */
  ready?: Record<string, string>;
  /** Rejects when the service cannot go on: it is then stopped, and the process ends with 1. */
  running?: Promise<unknown>;
  /** Its figures, for /metrics where ATELIER_METRICS_PORT is set; without them, those of the process and its counters. */
  metrics?: MetricsSource;
  /** What it counts of itself. */
  counters?: ServiceCounters;
  /** Whether it can do its work now, for /readyz; without it, from its start to its end. */
  isReady?: () => boolean;
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
  let service: RunningService | undefined;
  let stopping = false;
  let ownMetrics: Promise<MetricsSource> | undefined;
  const health = await serveHealth(name, log, {
    isReady: () => !stopping && service !== undefined && (service.isReady?.() ?? true),
    metrics: () => {
      if (service?.metrics !== undefined) return Promise.resolve(service.metrics);
      ownMetrics ??= loadProcessMetrics(name, { values: () => service?.counters?.values() ?? [] });
      return ownMetrics;
    },
  });
  try {
    service = await start();
  } catch (error) {
    if (error instanceof AppError && error.code === 'config') process.stderr.write(`${name}: ${error.message}\n`);
    else log.fatal({ err: error }, `${name} could not start`);
    process.exit(1);
  }
  const heartbeatFile = process.env['ATELIER_HEARTBEAT_FILE'] ?? '';
  const heartbeat: Heartbeat | undefined = heartbeatFile === '' ? undefined : startHeartbeat(heartbeatFile, log);
  const { stop: stopService, ready = {}, running } = service;
  const stop = (reason: string, exitCode = 0): void => {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, `${name} is stopping`);
    Promise.all([stopService(), heartbeat?.stop()])
      .then(() => health?.stop())
      .then(
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
  running?.catch((error: unknown) => {
    log.fatal({ err: error }, `${name} cannot go on`);
    stop('a failure', 1);
  });
  log.info(ready, `${name} is ready`);
  const figures = health === undefined ? {} : { metricsUrl: health.url };
  process.send?.({ type: 'ready', service: name, ...figures, ...ready });
}

/** Opens the health address that ATELIER_METRICS_PORT asks for, on ATELIER_METRICS_HOST or this machine alone. */
async function serveHealth(
  service: string,
  log: Logger,
  source: { isReady: () => boolean; metrics: () => Promise<MetricsSource> },
): Promise<HealthServer | undefined> {
  const wanted = process.env['ATELIER_METRICS_PORT']?.trim() ?? '';
  if (wanted === '') return undefined;
  if (!/^\d{1,5}$/.test(wanted) || Number(wanted) > 65_535) {
    process.stderr.write(
      `${service}: These settings are missing or wrong:\n  ATELIER_METRICS_PORT: must be a port number\n`,
    );
    process.exit(1);
  }
  const host = process.env['ATELIER_METRICS_HOST']?.trim() ?? '';
  return startHealthServer({
    ...source,
    service,
    log,
    port: Number(wanted),
    host: host === '' ? '127.0.0.1' : host,
  });
}

/** Loaded at the first look: it measures the event loop from then on. */
async function loadProcessMetrics(service: string, counters: Pick<ServiceCounters, 'values'>): Promise<MetricsSource> {
  const { createServiceRegistry } = await import('../metrics/service-metrics.ts');
  return createServiceRegistry(service, counters);
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
