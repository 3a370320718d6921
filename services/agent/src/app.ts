import { randomUUID } from 'node:crypto';
import type { Bus, Consumption, Subscription } from '@atelier/shared/bus/bus';
import type { Database } from '@atelier/shared/db/connect-database';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import { createCatalogSource } from './adapters/catalog-source.ts';
import { createPostgresRequestDesk } from './adapters/postgres-request-desk.ts';
import { planRequest } from './core/plan-request.ts';
import { planSample } from './core/plan-sample.ts';
import type { WordsPlanner } from './ports.ts';
import { createRequestRunner } from './request-runner.ts';

export interface AgentAppOptions {
  db: Database;
  bus: Bus;
  words: WordsPlanner;
  /** The text of a stored file. */
  readAssetText: (hash: string) => Promise<string>;
  log: Logger;
  /** Requests planned at a time. */
  concurrency: number;
  /** How soon a request is planned anew after its agent died; default 5 s. */
  leaseMs?: number;
  /** How often Postgres is asked for what no doorbell announced; default 5 s. */
  sweepMs?: number;
  /** How often instances are looked at; default 3 s. */
  catalogPollMs?: number;
  /** From 0 up to 1, for seeds. */
  random?: () => number;
  /** This process; default a random UUID. */
  holder?: string;
}

export interface AgentApp {
  /** Resolves when doorbells are heard; requests that wait are planned from now on. */
  start(): Promise<void>;
  /** Ends in good order: what is being planned is given back. */
  stop(): Promise<void>;
}

/** Joins the agent's parts over a database and a bus that the caller opens and closes. */
export function createAgentApp(options: AgentAppOptions): AgentApp {
  const { db, bus, log } = options;
  const leaseMs = options.leaseMs ?? 5_000;
  const random = options.random ?? Math.random;
  const outbox = createOutboxRelay({ db, publish: (row) => bus.publishOutbox(row), log });
  const desk = createPostgresRequestDesk({ db, outbox, holder: options.holder ?? randomUUID(), leaseMs });
  const catalogs = createCatalogSource({
    db,
    readAssetText: options.readAssetText,
    log,
    ...(options.catalogPollMs === undefined ? {} : { pollMs: options.catalogPollMs }),
  });
  const runner = createRequestRunner({
    desk,
    ready: () => catalogs.current() !== undefined,
    plan(request, signal) {
      const catalog = catalogs.current();
      if (catalog === undefined) throw new AppError('unavailable', 'no node registry is published yet');
      return planRequest(request, { catalog, words: options.words, desk, random }, signal);
    },
    concurrency: options.concurrency,
    leaseMs,
    log,
  });
  const undo: (() => void)[] = [];
  let subscriptions: Subscription[] = [];
  let sweepTimer: NodeJS.Timeout | undefined;

  /** The first plan takes a hundred times as long as the second: better before anybody waits for it. */
  function warmUp(): void {
    const catalog = catalogs.current();
    if (catalog === undefined) return;
    planSample(catalog).catch((error: unknown) => log.debug({ err: error }, 'no sample could be planned'));
  }

  function listen(): Consumption {
    const consumption = bus.consume('requestSubmitted', {
      durable: 'agent',
      concurrency: options.concurrency,
      handler: ({ requestId }) => runner.ring(requestId),
      async onDead(data, error, context) {
        const requestId = data?.requestId ?? context.correlationId;
        if (requestId !== undefined) await desk.fail(requestId, toPublicError(error));
      },
    });
    subscriptions = [
      consumption,
      bus.subscribeLive('cancelWake', {}, ({ requestId }) => runner.cancel(requestId)),
      bus.subscribeLive('liveWorkerStatus', {}, ({ instanceId }) => catalogs.noticeInstance(instanceId)),
      bus.answer('recipeList', {}, () => {
        const catalog = catalogs.current();
        if (catalog === undefined) {
          return Promise.reject(new AppError('unavailable', 'no ComfyUI has said what it can do yet'));
        }
        return Promise.resolve(catalog.list);
      }),
    ];
    return consumption;
  }

  return {
    async start() {
      const sweep = (): void => void runner.sweep();
      outbox.start();
      await catalogs.refresh();
      undo.push(catalogs.onChange(sweep), catalogs.onChange(warmUp), bus.onReconnect(sweep));
      catalogs.start();
      warmUp();
      const consumption = listen();
      sweepTimer = setInterval(sweep, options.sweepMs ?? 5_000);
      sweep();
      await consumption.ready;
    },
    async stop() {
      clearInterval(sweepTimer);
      for (const off of undo) off();
      await Promise.all([runner.stop(), catalogs.stop(), ...subscriptions.map((subscription) => subscription.stop())]);
      await outbox.stop();
    },
  };
}
