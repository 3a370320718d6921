import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { PickRules } from '@atelier/queue/pick-job';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import { finalRequestStates } from '@atelier/shared/contracts/request';
import { instanceToken } from '@atelier/shared/contracts/subjects';
import type { Database } from '@atelier/shared/db/connect-database';
import { forgetHandled } from '@atelier/shared/db/inbox';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import type { ModelBudgets } from '@atelier/shared/db/chat/notice-sources';
import { readChatSettings } from '@atelier/shared/db/chat/chat-settings';
import { finishLinks, forgetLinkCodes } from '@atelier/shared/db/chat/link-codes';
import { forgetOldSignIns } from '@atelier/shared/db/gateway/sign-in';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import type { RunningService } from '@atelier/shared/lifecycle/run-service';
import { createWebAdapter, type WebAdapter } from './adapters/web/create-web-adapter.ts';
import { createSignedFiles } from './adapters/web/signed-files.ts';
import type { AdminPolicy } from './chat/access.ts';
import { createChatCore } from './chat/create-chat-core.ts';
import type { WebConfig } from './config.ts';
import { createRateLimit } from './core/access/rate-limit.ts';
import { createDeliveryWorker } from './deliveries/delivery-worker.ts';
import { createPostWorker, type PostWorker } from './deliveries/post-worker.ts';
import { createPostedFiles } from './pictures/posted-files.ts';
import type { ChatAdapter, ChatCore } from './ports.ts';
import { createCardFeed } from './state/card-feed.ts';
import { createCardReader } from './state/card-reader.ts';
import { createCatalogue } from './state/catalogue.ts';
import { createChatSettingsCache } from './state/chat-settings-cache.ts';
import { createCoveringReader } from './state/covering-reader.ts';
import { createLiveBoard } from '@atelier/shared/live/live-board';
import { createPeopleCache } from './state/people-cache.ts';
import { createQueueWatch } from './state/queue-watch.ts';
import { createStatusWatch } from './state/status-watch.ts';
import { createSweeper } from '@atelier/shared/lifecycle/sweeper';
import { type DiskSpace, type OperatorNews, tellOperators } from './state/tell-operators.ts';
import { createPictureFetcher, type PictureFetcher } from './uploads/fetch-picture.ts';
import { deleteExpiredFiles } from './state/delete-expired-files.ts';
import { expireOldHistory, type Retention } from './state/expire-old-history.ts';

export interface BotAppDeps {
  db: Database;
  /** Waits for Postgres and brings the schema up to date. */
  prepareDatabase: (signal: AbortSignal) => Promise<void>;
  /** Waits for NATS. */
  connectBus: (signal: AbortSignal) => Promise<Bus>;
  files: AssetStore;
  /** Pictures go into chats with the workflow that ComfyUI wrote into them. */
  keepsMetadata?: boolean;
  web: WebConfig;
  cookieKey: string;
  /** Address of the page for others, without a slash at the end; absent: no links to it are given. */
  publicUrl?: string | undefined;
  /** Who is an operator; default: who sits at an open page on loopback. */
  admins?: Omit<AdminPolicy, 'trustsLocalPage'>;
  /** Of the language model; operators hear when one is spent. */
  budgets?: ModelBudgets;
  /** Of the disk that keeps pictures; default: unknown. */
  readDiskSpace?: () => Promise<DiskSpace | undefined>;
  /** Builds the adapters of the other chats that are switched on. */
  createAdapters: (chat: ChatCore) => Promise<ChatAdapter[]>;
  log: Logger;
  now: () => number;
  randomId: () => string;
  /** Of what people link to; default: from the public internet. */
  fetchPicture?: PictureFetcher;
  /** How often rows without a doorbell are looked for; default 5 s. */
  sweepMs?: number;
  /** The workers' rules, for forecasts. */
  pickRules?: PickRules;
  /** How long history is kept; default: for good. */
  retention?: Retention;
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
/** Accepted, planned, queued, picked and posted follow within this where nothing waits: nobody needs to see each. Ends are told at once. */
const stepsGatherMs = 30;

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
  const settings = createChatSettingsCache({ read: () => readChatSettings(db), log });
  const people = createPeopleCache({ db, now: deps.now });
  const signed = createSignedFiles(deps.cookieKey);
  const linkTries = createRateLimit(deps.now);
  const catalogue = createCatalogue({
    ask: async (personId) => connectedBus().ask('recipeList', {}, { personId }),
    now: deps.now,
    log,
  });
  const reader = createCoveringReader(createCardReader(db), settings);
  const board = createLiveBoard();
  const feed = createCardFeed({ reader, board, log });
  const queue = createQueueWatch({
    db,
    progress: board.progress,
    log,
    ...(deps.pickRules === undefined ? {} : { rules: deps.pickRules }),
  });
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
    postedFiles: deps.keepsMetadata === true ? deps.files : createPostedFiles(deps.files),
    settings,
    people,
    catalogue,
    linkTries,
    wakeCancel: (wake) => bus?.publishLive('cancelWake', {}, wake, wake.requestId),
    tellWorker(instanceId, command) {
      // Its row says so too, and it looks there every second.
      bus
        ?.ask('workerCommand', { instanceId: instanceToken(instanceId) }, { instanceId, command })
        .catch((error: unknown) => {
          log.debug({ err: error, instanceId, command }, 'a worker could not be told; it looks by itself');
        });
    },
    exportWorkflow: async ({ jobId }) => (await connectedBus().ask('workflowExport', {}, { jobId })).workflowText,
    viewPolicy: async (asked) => connectedBus().ask('policyView', {}, asked),
    fetchPicture: deps.fetchPicture ?? createPictureFetcher(),
    ringPosts: () => posts?.ring(),
    ringOperators() {
      tellOperators(operatorNews).catch((error: unknown) => log.debug({ err: error }, 'operators hear of it soon'));
    },
    publicUrl: deps.publicUrl,
    signedFilePath: (file) => signed.path(file),
    admins: {
      ...(deps.admins ?? { identities: new Set(), trustsChatAdmins: false }),
      trustsLocalPage: deps.web.token === undefined,
    },
    now: deps.now,
    randomId: deps.randomId,
    randomBytes,
  });
  let posts: PostWorker | undefined;
  const web: WebAdapter = createWebAdapter({
    ...deps,
    config: deps.web,
    chat,
    reader,
    feed,
    queue,
    board,
    status,
    signed,
    people,
    linkTries,
  });
  const adapters: ChatAdapter[] = [web, ...(await deps.createAdapters(chat))];
  const deliveries = createDeliveryWorker({
    db,
    reader,
    adapters,
    holder: deps.randomId(),
    log,
    onSent: (delivery) => feed.ring(delivery.requestId),
    wantsPing: async (personId) => (await people.settingsOf(personId)).wantsPing !== false,
    sweepMs,
  });
  posts = createPostWorker({ db, reader, adapters, holder: deps.randomId(), log, sweepMs });
  const operatorNews: OperatorNews = {
    db,
    settings,
    budgets: deps.budgets ?? { dayMicroDollars: 0, personDayMicroDollars: 0 },
    now: deps.now,
    readDiskSpace: deps.readDiskSpace ?? (() => Promise.resolve(undefined)),
    ringPosts: () => posts?.ring(),
  };
  const sweeper = createSweeper(log, [
    { everyMs: sweepMs, work: async () => relay.nudge(await finishCancels(db)) },
    { everyMs: Math.min(sweepMs, 3_000), work: reconcile },
    { everyMs: sweepMs, work: () => settings.refresh() },
    { everyMs: 2 * sweepMs, work: () => finishLinks(db) },
    { everyMs: 2 * sweepMs, work: () => tellOperators(operatorNews) },
    { everyMs: hourMs, work: () => forgetHandled(db, 7 * 24 * hourMs) },
    { everyMs: hourMs, work: forgetCodes },
    { everyMs: hourMs, work: () => deleteExpiredFiles(db, deps.files, log) },
    { everyMs: hourMs / 2, work: () => expireOldHistory(db, deps.retention, log) },
  ]);

  /** Of both kinds; those of the gateway also where it runs no more. */
  async function forgetCodes(): Promise<void> {
    await forgetLinkCodes(db);
    await forgetOldSignIns(db);
  }

  function connectedBus(): Bus {
    if (bus === undefined) throw new AppError('unavailable', 'NATS was not reached yet');
    return bus;
  }

  async function reconcile(): Promise<void> {
    if (feed.hasOpen) feed.reconcile((await queue.read()).open);
  }

  /** Doorbells only: every row behind them is also looked for by sweeps. */
  function listen(to: Bus): void {
    to.subscribeDoorbell('requestChanged', {}, ({ requestId, state }) => {
      feed.ring(requestId, finalRequestStates.some((final) => final === state) ? 0 : stepsGatherMs);
      queue.ring();
    });
    to.subscribeDoorbell('jobChanged', {}, ({ requestId }) => {
      feed.ring(requestId, stepsGatherMs);
      queue.ring();
    });
    to.subscribeDoorbell('deliveryCreated', {}, ({ door }) => deliveries.ring(door));
    to.subscribeLive('liveProgress', {}, (progress) => feed.takeProgress(progress));
    to.subscribeLive('livePreview', {}, (preview) => feed.takePreview(preview));
    to.subscribeLive('liveReply', {}, (reply) => feed.takeReply(reply));
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
    await settings.refresh();
    deliveries.start();
    opened.use('deliveries', () => deliveries.stop());
    posts?.start();
    opened.use('posts', () => posts?.stop());
    sweeper.start();
    opened.use('sweeper', () => sweeper.stop());
  }

  async function useBus(): Promise<void> {
    const connected = await deps.connectBus(stopping.signal);
    opened.use('bus', () => connected.close());
    bus = connected;
    listen(connected);
  }

  /** A chat whose token is refused stays silent; the page and the others go on, and the page says so. */
  async function startChat(adapter: ChatAdapter): Promise<void> {
    try {
      await adapter.start();
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'config') throw error;
      log.error({ err: error, adapter: adapter.name }, 'this chat stays switched off');
      status.setRefused(adapter.name);
    }
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
        await Promise.all(others.map((adapter) => startChat(adapter)));
      } catch (error) {
        listening.reject(error);
        await stop();
        throw error;
      }
      return { stop, ready: { webUrl: web.address } };
    },
  };
}
