import { randomUUID } from 'node:crypto';
import type { Bus, Consumption, Subscription } from '@atelier/shared/bus/bus';
import { isDenied, readSubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import type { Database } from '@atelier/shared/db/connect-database';
import { findUnplannedDoorPrompt } from '@atelier/shared/db/gateway/door-prompts';
import type { PlanLimits } from '@atelier/shared/db/requests/plan-request';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { AppError, toPublicError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import { createCatalogSource } from './adapters/catalog-source.ts';
import { exportJobWorkflow } from './adapters/export-job-workflow.ts';
import { createPostgresRequestDesk } from './adapters/postgres-request-desk.ts';
import { createPostgresToolReads } from './adapters/postgres-tool-reads.ts';
import type { Catalog } from './core/catalog.ts';
import { planSample } from './core/plan-sample.ts';
import type { PictureFiles } from './core/planning-parts.ts';
import { viewPolicy } from './core/view-policy.ts';
import type { LoadImage } from './loop/build-messages.ts';
import { createRequestRunner } from './request-runner.ts';
import type { AgentModel } from './session/agent-model.ts';
import { createAgentPlanner } from './session/agent-planner.ts';
import { createDoorTools } from './session/door-tools.ts';
import { createAgentTools } from './tools/agent-tools.ts';

export interface AgentAppOptions {
  db: Database;
  bus: Bus;
  /** Absent: words are read by rules. */
  model?: AgentModel;
  /** The text of a stored file. */
  readAssetText: (hash: string) => Promise<string>;
  files: PictureFiles;
  /** A stored picture, scaled for the model. */
  loadImage: LoadImage;
  log: Logger;
  /** Requests planned at a time. */
  concurrency: number;
  /** How much may wait; default: see `queue-settings`. */
  limits?: PlanLimits;
  /** Whom no rule binds, as `door:id`; default nobody. */
  operators?: readonly string[];
  /** How long a question waits for its answer; default 24 h. */
  questionExpiresMs?: number;
  /** How soon a request is planned anew after its agent died; default 5 s. */
  leaseMs?: number;
  /** How often Postgres is asked for what no doorbell announced; default 5 s. */
  sweepMs?: number;
  /** How often instances are looked at; default 3 s. */
  catalogPollMs?: number;
  /** From 0 up to 1, for seeds. */
  random?: () => number;
  /** Milliseconds since 1970. */
  now?: () => number;
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
  const { db, bus, log, files, loadImage } = options;
  const leaseMs = options.leaseMs ?? 5_000;
  const random = options.random ?? Math.random;
  const now = options.now ?? Date.now;
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const questionExpiresMs = options.questionExpiresMs ?? 24 * 3_600_000;
  const outbox = createOutboxRelay({ db, publish: (row) => bus.publishOutbox(row), log });
  const desk = createPostgresRequestDesk({
    db,
    outbox,
    holder: options.holder ?? randomUUID(),
    leaseMs,
    questionExpiresMs,
    ...limits,
  });
  const catalogs = createCatalogSource({
    db,
    readAssetText: options.readAssetText,
    log,
    ...(options.catalogPollMs === undefined ? {} : { pollMs: options.catalogPollMs }),
  });
  const tools = createAgentTools();
  const onCancel = (requestId: string, jobIds: string[]): void => {
    bus.publishLive('cancelWake', {}, { requestId, jobIds }, requestId);
  };
  const reads = createPostgresToolReads({
    db,
    outbox,
    files,
    onCancel,
  });

  /** What a person's requests are planned with; without a person what everybody may use. */
  function catalogFor(personId?: string): Catalog {
    const found = catalogs.find(personId);
    if (found === 'unknown') throw nothingKnown();
    if (found === 'reserved') throw allReserved();
    return found;
  }

  /** All that there is, for what no person's rights matter. */
  function wholeCatalog(): Catalog {
    const whole = catalogs.whole();
    if (whole === undefined) throw nothingKnown();
    return whole;
  }

  const planner = createAgentPlanner({
    db,
    desk,
    outbox,
    catalogFor,
    isDenied: async (personId, command) =>
      isDenied(await readSubmissionRules(db, options.operators ?? []), personId, command),
    tools,
    reads,
    files,
    loadImage,
    model: options.model,
    limits: options.limits,
    questionExpiresMs,
    onCancel,
    publish: (reply) => bus.publishLive('liveReply', { requestId: reply.requestId }, reply, reply.requestId),
    ring: (requestId) => void ring(requestId),
    random,
    now,
    log,
  });
  const runner = createRequestRunner({
    desk,
    ready: () => catalogs.isReady,
    plan: (claimed, signal) => planner.plan(claimed, signal),
    settled(request) {
      planner.settled(request);
      void ringBehind(request);
    },
    concurrency: options.concurrency,
    leaseMs,
    log,
  });
  const doorTools = createDoorTools({ db, tools, reads, catalogFor, plan: planner.planForCaller, random, now, log });
  const undo: (() => void)[] = [];
  let subscriptions: Subscription[] = [];
  let sweepTimer: NodeJS.Timeout | undefined;

  async function ring(requestId: string): Promise<void> {
    try {
      await runner.ring(requestId);
    } catch (error) {
      log.debug({ err: error, request_id: requestId }, 'a request could not be rung for; the sweep finds it');
    }
  }

  /** A prompt of the ComfyUI door waits until the one before it is planned, and its own bell has rung. */
  async function ringBehind({ door, personId }: RequestRecord): Promise<void> {
    if (door !== 'api') return;
    try {
      const next = await findUnplannedDoorPrompt(db, personId);
      if (next !== undefined) await ring(next);
    } catch (error) {
      log.debug({ err: error }, 'what waits behind could not be looked for; the sweep finds it');
    }
  }

  /** The first plan takes a hundred times as long as the second: better before anybody waits for it. */
  function warmUp(): void {
    const whole = catalogs.whole();
    if (whole === undefined) return;
    planSample(whole).catch((error: unknown) => log.debug({ err: error }, 'no sample could be planned'));
  }

  function listen(): Consumption {
    const consumption = bus.consume('requestSubmitted', {
      durable: 'agent',
      concurrency: options.concurrency,
      handler: ({ requestId, version }) => runner.ring(requestId, version),
      async onDead(data, error, context) {
        const requestId = data?.requestId ?? context.correlationId;
        if (requestId !== undefined) await desk.fail(requestId, toPublicError(error));
      },
    });
    subscriptions = [
      consumption,
      bus.subscribeDoorbell('requestSubmitted', {}, ({ requestId, version }) => runner.hear(requestId, version)),
      bus.subscribeLive('cancelWake', {}, ({ requestId }) => runner.cancel(requestId)),
      bus.subscribeLive('liveWorkerStatus', {}, ({ instanceId }) => catalogs.noticeInstance(instanceId)),
      // What throws in a handler crosses as its code, so these are promises.
      bus.answer('recipeList', {}, async ({ personId }) => Promise.resolve(catalogFor(personId).list)),
      bus.answer('workflowExport', {}, ({ jobId }) => exportJobWorkflow(db, jobId, wholeCatalog().registries)),
      bus.answer('policyView', {}, async (asked) => Promise.resolve(viewPolicy(wholeCatalog(), asked))),
      bus.answer('toolList', {}, () => Promise.resolve(doorTools.list())),
      bus.answer('toolCall', {}, (call) => doorTools.call(call)),
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

function nothingKnown(): AppError {
  return new AppError('unavailable', 'no ComfyUI has said what it can do yet');
}

function allReserved(): AppError {
  return new AppError('forbidden', 'every ComfyUI is kept for other people', {
    publicMessage: {
      en: 'Every ComfyUI here is kept for other people; ask an operator to let you use one.',
      zh: '这里的 ComfyUI 都已为其他人保留，请联系管理员为你开放。',
    },
  });
}
