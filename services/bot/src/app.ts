import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import { takeExpiredAssets } from '@atelier/shared/db/asset-register';
import type { Database } from '@atelier/shared/db/connect-database';
import { forgetHandled } from '@atelier/shared/db/inbox';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { findPersonId } from '@atelier/shared/db/people/person-store';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import type { RunningService } from '@atelier/shared/lifecycle/run-service';
import { createWebAdapter, type WebAdapter } from './adapters/web/create-web-adapter.ts';
import { createChatCore } from './chat/create-chat-core.ts';
import type { WebConfig } from './config.ts';
import { createDeliveryWorker } from './deliveries/delivery-worker.ts';
import type { ChatAdapter, ChatCore } from './ports.ts';
import { createCardFeed } from './state/card-feed.ts';
import { createCardReader } from './state/card-reader.ts';
import { createLiveBoard } from './state/live-board.ts';
import { createQueueWatch } from './state/queue-watch.ts';
import { createStatusWatch } from './state/status-watch.ts';
import { createSweeper } from './state/sweeper.ts';

export interface BotAppDeps {
  db: Database;
  /** Waits for Postgres and brings the schema up to date. */
  prepareDatabase: (signal: AbortSignal) => Promise<void>;
  /** Waits for NATS. */
  connectBus: (signal: AbortSignal) => Promise<Bus>;
  files: AssetStore;
  web: WebConfig;
  cookieKey: string;
  /** Builds the adapters of the other chats that are switched on. */
  createAdapters: (chat: ChatCore) => Promise<ChatAdapter[]>;
  log: Logger;
  now: () => number;
  randomId: () => string;
  /** How often rows without a doorbell are looked for; default 5 s. */
  sweepMs?: number;
}

export interface BotApp {
  /** Of the page, once it is open. */
  readonly address: Promise<string>;
  /**
   * Opens the page at once, so that it can say what it waits for, then waits for Postgres and NATS, then connects the
   * other chats.
   */
  start(): Promise<RunningService>;
  /** Also while starting. */
  stop(): Promise<void>;
}

const hourMs = 3_600_000;

/** Joins the chat core, its adapters, the database and the bus; owns start and stop. */
export async function createBotApp(deps: BotAppDeps): Promise<BotApp> {
  const { db, log } = deps;
  const sweepMs = deps.sweepMs ?? 5_000;
  const opened = new ResourceStack(log);
  const stopping = new AbortController();
  const listening = Promise.withResolvers<string>();
  listening.promise.catch(() => undefined);
  let bus: Bus | undefined;

  const relay = createOutboxRelay({
    db,
    log,
    async publish(row) {
      if (bus === undefined) throw new AppError('unavailable', 'NATS was not reached yet');
      await bus.publishOutbox(row);
    },
  });
  const reader = createCardReader(db);
  const board = createLiveBoard();
  const feed = createCardFeed({ reader, board, log });
  const queue = createQueueWatch({ db, log });
  const status = createStatusWatch({ db, log, now: deps.now });
  const chat = createChatCore({
    db,
    relay,
    reader,
    feed,
    queue,
    board,
    status,
    log,
    files: deps.files,
    findPersonId: (user) => findPersonId(db, user),
    wakeCancel: (wake) => bus?.publishLive('cancelWake', {}, wake, wake.requestId),
  });
  const web: WebAdapter = createWebAdapter({
    ...deps,
    config: deps.web,
    chat,
    reader,
    feed,
    queue,
    board,
    status,
  });
  const adapters: ChatAdapter[] = [web, ...(await deps.createAdapters(chat))];
  const deliveries = createDeliveryWorker({
    db,
    reader,
    adapters,
    holder: deps.randomId(),
    log,
    onSent: (delivery) => feed.ring(delivery.requestId),
    sweepMs,
  });
  const sweeper = createSweeper(log, [
    { everyMs: sweepMs, work: async () => relay.nudge(await finishCancels(db)) },
    { everyMs: Math.min(sweepMs, 3_000), work: reconcile },
    { everyMs: hourMs, work: () => forgetHandled(db, 7 * 24 * hourMs) },
    { everyMs: hourMs, work: deleteExpired },
  ]);

  async function deleteExpired(): Promise<void> {
    const hashes = await takeExpiredAssets(db, 1_000);
    const deleted = await deps.files.deleteUnreferenced(hashes, { olderThanMs: hourMs });
    const leftovers = await deps.files.sweepTemporary(24 * hourMs);
    if (deleted + leftovers > 0) log.info({ deleted, leftovers }, 'expired files deleted');
  }

  async function reconcile(): Promise<void> {
    if (feed.hasOpen) feed.reconcile((await queue.read()).open);
  }

  /** Doorbells only: every row behind them is also looked for by sweeps. */
  function listen(to: Bus): void {
    to.subscribeDoorbell('requestChanged', {}, ({ requestId }) => {
      feed.ring(requestId);
      queue.ring();
    });
    to.subscribeDoorbell('jobChanged', {}, ({ requestId }) => {
      feed.ring(requestId);
      queue.ring();
    });
    to.subscribeDoorbell('deliveryCreated', {}, ({ door }) => deliveries.ring(door));
    to.subscribeLive('liveProgress', {}, (progress) => feed.takeProgress(progress));
    to.subscribeLive('livePreview', {}, (preview) => feed.takePreview(preview));
    to.subscribeLive('liveWorkerStatus', {}, (worker) => status.takeWorkerStatus(worker));
    to.onConnectionChange((connected) => status.setNatsConnected(connected));
    to.onReconnect(() => {
      for (const adapter of adapters) for (const door of adapter.doors) deliveries.ring(door);
      queue.ring();
      reconcile().catch((error: unknown) => log.debug({ err: error }, 'the next sweep will look'));
    });
    status.setNatsConnected(to.connected);
  }

  async function useDatabase(): Promise<void> {
    await deps.prepareDatabase(stopping.signal);
    await status.start();
    relay.start();
    opened.use('outbox relay', () => relay.stop());
    deliveries.start();
    opened.use('deliveries', () => deliveries.stop());
    sweeper.start();
    opened.use('sweeper', () => sweeper.stop());
  }

  async function useBus(): Promise<void> {
    const connected = await deps.connectBus(stopping.signal);
    opened.use('bus', () => connected.close());
    bus = connected;
    listen(connected);
  }

  async function stop(): Promise<void> {
    stopping.abort();
    status.stop();
    queue.stop();
    await opened.close();
  }

  return {
    address: listening.promise,
    stop,
    async start() {
      opened.use('database', () => db.close());
      try {
        await web.start();
        opened.use('web', () => web.stop());
        listening.resolve(web.address);
        await Promise.all([useDatabase(), useBus()]);
        const others = adapters.filter((adapter) => adapter !== web);
        for (const adapter of others) opened.use(adapter.name, () => adapter.stop());
        await Promise.all(others.map((adapter) => adapter.start()));
      } catch (error) {
        listening.reject(error);
        await stop();
        throw error;
      }
      return { stop, ready: { webUrl: web.address } };
    },
  };
}
