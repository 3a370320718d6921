import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import type { Database } from '@atelier/shared/db/connect-database';
import { finalRequestStates } from '@atelier/shared/contracts/request';
import { readSubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import { forgetOldPreviews } from '@atelier/shared/db/gateway/forget-old-previews';
import { loadGatewayKey } from '@atelier/shared/db/gateway/gateway-key';
import { readChangedRequests, readRequestVersions } from '@atelier/shared/db/gateway/person-requests';
import { announceAddress, forgetOldSignIns } from '@atelier/shared/db/gateway/sign-in';
import { readPolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import { readRegistryOffers } from '@atelier/shared/db/instances/instance-store';
import { readFinishedRuns } from '@atelier/shared/db/jobs/read-runs';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { finishCancels } from '@atelier/shared/db/requests/cancel-request';
import { AppError } from '@atelier/shared/errors/app-error';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import type { RunningService } from '@atelier/shared/lifecycle/run-service';
import { listenAt } from '@atelier/shared/net/listen-at';
import { createServiceMetrics } from '@atelier/shared/metrics/service-metrics';
import type { ClientPatience } from './adapters/http/client-patience.ts';
import { createHttpServer } from './adapters/http/create-http-server.ts';
import { registerRoutes } from './adapters/http/routes/register-routes.ts';
import { createJobDesk, type JobDesk } from './adapters/job-desk.ts';
import { createPlatformMetrics } from './adapters/platform-metrics.ts';
import { createNodeSource } from './adapters/registry/node-source.ts';
import { createWebhookPoster } from './adapters/webhooks/post-webhook.ts';
import { createWebhookWorker, newWebhookSecret } from './adapters/webhooks/webhook-worker.ts';
import { createSocketServer } from './adapters/ws/create-socket-server.ts';
import type { GatewayConfig } from './config.ts';
import { createIdentity, type Identity } from './identity/create-identity.ts';
import type { GatewayParts } from './ports.ts';
import { createPolicySource, type PolicySource } from './policy/policy-source.ts';
import { createClientHub } from './state/client-hub.ts';
import { createJobFeed, type JobFeed } from './state/job-feed.ts';
import { createLiveBoard, type LiveBoard } from '@atelier/shared/live/live-board';
import { createQueueWatch, type QueueWatch } from './state/queue-watch.ts';
import { createRecentValue } from './state/recent-value.ts';
import { createSweeper } from '@atelier/shared/lifecycle/sweeper';

export interface GatewayAppDeps {
  config: Pick<GatewayConfig, 'http' | 'webhooks' | 'pickRules' | 'operators'>;
  db: Database;
  /** Waits for Postgres and brings the schema up to date. */
  prepareDatabase: (signal: AbortSignal) => Promise<void>;
  /** Waits for NATS. */
  connectBus: (signal: AbortSignal) => Promise<Bus>;
  files: AssetStore;
  log: Logger;
  now: () => number;
  randomId: () => string;
  /** How often rows without a doorbell are looked for; default 5 s. */
  sweepMs?: number;
  /** How long clients may take; default as `usualPatience`. */
  patience?: ClientPatience;
  /** How often sockets are pinged. */
  pingMs?: number;
  /** Divides the waits between tries of a webhook, for tests. */
  webhookScale?: number;
  /** Other doors that share the person's work: opened once Postgres answers, closed first. */
  doors?: readonly ((shared: SharedParts) => Promise<OpenDoor>)[];
}

/** What every door of the gateway builds upon. */
export interface SharedParts {
  parts: GatewayParts;
  identity: Identity;
  desk: JobDesk;
  feed: JobFeed;
  board: LiveBoard;
  queue: QueueWatch;
  policy: PolicySource;
}

export interface OpenDoor {
  /** What to tell the launcher, such as its address. */
  ready?: Record<string, string>;
  stop(): Promise<void>;
}

export interface GatewayApp {
  start(): Promise<RunningService>;
  /** Also while starting. */
  stop(): Promise<void>;
}

const hourMs = 3_600_000;
/** Previews are there for whoever has just looked at them. */
const previewMs = 24 * hourMs;
/** Runs that a start learns from. */
const runsAtStart = 5_000;

/** Joins the doors, the database and the bus; owns start and stop. */
export function createGatewayApp(deps: GatewayAppDeps): GatewayApp {
  const { db, log, config } = deps;
  const sweepMs = deps.sweepMs ?? 5_000;
  const opened = new ResourceStack(log);
  const stopping = new AbortController();
  let bus: Bus | undefined;
  let databaseReady = false;
  let address = '';

  const relay = createOutboxRelay({
    db,
    log,
    async publish(row) {
      await connected().publishOutbox(row);
    },
  });
  const metrics = createServiceMetrics('gateway');
  const platformMetrics = createPlatformMetrics({ db, registry: metrics.registry, log });
  const parts: GatewayParts = {
    db,
    log,
    metrics,
    files: deps.files,
    nudge: (rows) => relay.nudge(rows),
    bus: connected,
    now: deps.now,
    randomId: deps.randomId,
  };
  const { open, origins } = config.http;
  const identity = createIdentity({ db, log, open, origins });
  const board = createLiveBoard();
  const queue = createQueueWatch({
    readSnapshot: () => readQueueSnapshot(db),
    readRuns: (after) => readFinishedRuns(db, { limit: runsAtStart, ...(after === undefined ? {} : { after }) }),
    readOffers: (hashes) => readRegistryOffers(db, hashes),
    rules: config.pickRules,
    log,
  });
  const rules = createRecentValue({
    what: 'the rules of the chats',
    read: () => readSubmissionRules(db, config.operators),
    log,
  });
  const desk = createJobDesk(parts, { board, queue, rules });
  const feed = createJobFeed({
    readFacts: (id) => desk.readFacts(id),
    readVersions: (ids) => readRequestVersions(db, ids),
    board,
    log,
  });
  const hub = createClientHub({
    feed,
    queue,
    log,
    now: deps.now,
    epoch: deps.randomId(),
    toView: (facts) => desk.toView(facts),
    async readChanged({ personId, clientId, since }) {
      const requests = await readChangedRequests(db, { personId, clientId, since, limit: 500 });
      const jobs = await readJobsOfRequests(
        db,
        requests.map(({ id }) => id),
      );
      return requests.map((request) => ({ request, jobs: jobs.filter(({ requestId }) => requestId === request.id) }));
    },
  });
  const sockets = createSocketServer({
    parts,
    identity,
    hub,
    desk,
    ...(deps.pingMs === undefined ? {} : { pingMs: deps.pingMs }),
  });
  const nodes = createNodeSource(parts);
  const policy = createPolicySource({ readRules: () => readPolicyRules(db), log });
  const poster = createWebhookPoster(config.webhooks);
  const webhooks = createWebhookWorker({
    parts,
    poster,
    sweepMs,
    ...(deps.webhookScale === undefined ? {} : { scale: deps.webhookScale }),
    async readJob(requestId) {
      const facts = await desk.readFacts(requestId);
      return facts === undefined ? undefined : desk.toView(facts);
    },
  });
  const sweeper = createSweeper(log, [
    { everyMs: sweepMs, work: async () => relay.nudge(await finishCancels(db)) },
    { everyMs: sweepMs, work: () => feed.reconcile() },
    { everyMs: hourMs, work: () => forgetOldSignIns(db) },
    { everyMs: hourMs, work: async () => void (await forgetOldPreviews(db, previewMs)) },
  ]);

  function connected(): Bus {
    if (bus === undefined) throw new AppError('unavailable', 'NATS was not reached yet');
    return bus;
  }

  /** Doorbells only: every row behind them is also looked for by sweeps. */
  function hear(from: Bus): void {
    from.subscribeDoorbell('requestChanged', {}, ({ requestId, state }) => {
      feed.ring(requestId);
      queue.ring();
      if (finalRequestStates.some((final) => final === state)) webhooks.ring();
    });
    from.subscribeDoorbell('jobChanged', {}, ({ requestId }) => {
      feed.ring(requestId);
      queue.ring();
    });
    from.subscribeLive('liveProgress', {}, (progress) => feed.takeProgress(progress));
    from.subscribeLive('livePreview', {}, (preview) => feed.takePreview(preview));
    from.onReconnect(() => {
      feed.reconcile().catch((error: unknown) => log.debug({ err: error }, 'the next sweep will look'));
      queue.ring();
      webhooks.ring();
    });
  }

  async function useBus(): Promise<void> {
    const made = await deps.connectBus(stopping.signal);
    opened.use('bus', () => made.close());
    bus = made;
    hear(made);
  }

  async function useDatabase(): Promise<void> {
    await deps.prepareDatabase(stopping.signal);
    databaseReady = true;
    relay.start();
    opened.use('outbox relay', () => relay.stop());
    webhooks.start();
    opened.use('webhooks', () => webhooks.stop());
    sweeper.start();
    opened.use('sweeper', () => sweeper.stop());
  }

  async function openHttp(): Promise<void> {
    const linkKey = await loadGatewayKey(db, 'links');
    const server = await createHttpServer({
      parts,
      config: config.http,
      identity,
      patience: deps.patience,
      registerRoutes: (target) =>
        registerRoutes(target, {
          parts,
          config: config.http,
          desk,
          queue,
          nodes,
          linkKey,
          publicUrl: () => config.http.publicUrl ?? address,
          isReady,
          policy,
          rules,
          metrics: platformMetrics,
          webhooks: {
            checkTarget: (url) => poster.check(url),
            newSecret: newWebhookSecret,
            ring: () => webhooks.ring(),
          },
        }),
    });
    opened.use('http', () => server.close());
    opened.use('catalogue', () => nodes.stop());
    opened.use('queue', () => queue.stop());
    opened.use('clients', () => hub.close());
    sockets.listen(server.server);
    opened.use('sockets', () => sockets.close());
    address = await listenAt(server, config.http, 'ATELIER_GATEWAY');
    await announceAddress(db, 'gateway', config.http.publicUrl ?? address);
    if (open) {
      log.warn(
        { address },
        'the gateway is open: programs on this machine need no token (ATELIER_GATEWAY_OPEN); everybody else does',
      );
    } else
      log.info({ address }, 'the gateway takes tokens and sign-in links; make a token with: npm run token -- create');
  }

  const isReady = (): boolean => databaseReady && bus?.connected === true && !stopping.signal.aborted;

  async function stop(): Promise<void> {
    stopping.abort();
    await opened.close();
  }

  return {
    stop,
    async start() {
      opened.use('database', () => db.close());
      const ready: Record<string, string> = {};
      try {
        await Promise.all([useDatabase(), useBus()]);
        await openHttp();
        for (const openDoor of deps.doors ?? []) {
          const door = await openDoor({ parts, identity, desk, feed, board, queue, policy });
          opened.use('door', () => door.stop());
          Object.assign(ready, door.ready);
        }
      } catch (error) {
        await stop();
        throw error;
      }
      return { stop, isReady, metrics: platformMetrics, ready: { gatewayUrl: address, ...ready } };
    },
  };
}
