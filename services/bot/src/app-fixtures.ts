import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import type { Bus } from '@atelier/shared/bus/bus';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import type { JobOutput } from '@atelier/shared/contracts/job';
import type { PublicError } from '@atelier/shared/contracts/request';
import { createDatabase, type Database, waitForDatabase } from '@atelier/shared/db/connect-database';
import type { AcquiredInstance } from '@atelier/shared/db/instances/instance-store';
import type { JobLease } from '@atelier/shared/db/jobs/job-lease';
import { finishJob } from '@atelier/shared/db/jobs/finish-jobs';
import { cancelJob, failJob, markPosted, markRunning, markStoring } from '@atelier/shared/db/jobs/job-transitions';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import type { OutboxRow } from '@atelier/shared/db/outbox-row';
import { claimRequests } from '@atelier/shared/db/requests/agent-lease';
import { answerRequest, type RequestAnswer } from '@atelier/shared/db/requests/answer-request';
import { planRequest } from '@atelier/shared/db/requests/plan-request';
import { holdTestInstance, newTestJob, pickTestJob } from '@atelier/shared/db/testing/queue-fixtures';
import { plan } from '@atelier/shared/db/testing/record-fixtures';
import { type BotApp, createBotApp } from './app.ts';
import type { ChatAdapter, ChatCore } from './ports.ts';
import type { DiskSpace } from './state/tell-operators.ts';
import type { PictureFetcher } from './uploads/fetch-picture.ts';

/** A bot on test servers, and the parts of the agent and the worker that tests play. */
const silent = pino({ level: 'silent' });

export interface TestBotOptions {
  databaseUrl: string;
  /** Absent: NATS is never reached. */
  nats?: { url: string; prefix: string };
  token?: string;
  sweepMs?: number;
  /** Keeps files; made and removed by the caller. */
  folder: string;
  /** Chats beside the page. */
  createAdapters?: (chat: ChatCore) => ChatAdapter[];
  publicUrl?: string;
  admins?: readonly string[];
  trustsChatAdmins?: true;
  fetchPicture?: PictureFetcher;
  readDiskSpace?: () => Promise<DiskSpace>;
}

export interface TestBot {
  url: string;
  app: BotApp;
  files: AssetStore;
}

export async function startTestBot(options: TestBotOptions): Promise<TestBot> {
  const db = createDatabase({ url: options.databaseUrl, poolSize: 6, applicationName: 'test bot', log: silent });
  const files = createFolderAssetStore({ folder: options.folder, maxBytes: 50_000_000 });
  const app = await createBotApp({
    db,
    files,
    async prepareDatabase(signal) {
      await waitForDatabase(db, silent, signal);
      await migrateDatabase(options.databaseUrl);
    },
    connectBus: (signal) =>
      options.nats === undefined
        ? untilAborted(signal)
        : connectBus({ ...options.nats, service: 'bot', log: silent, signal }),
    web: { host: '127.0.0.1', port: 0, token: options.token },
    cookieKey: 'c0'.repeat(32),
    createAdapters: async (chat) => options.createAdapters?.(chat) ?? [],
    publicUrl: options.publicUrl,
    admins: { identities: new Set(options.admins), trustsChatAdmins: options.trustsChatAdmins === true },
    log: silent,
    now: Date.now,
    randomId: randomUUID,
    ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    ...(options.fetchPicture === undefined ? {} : { fetchPicture: options.fetchPicture }),
    ...(options.readDiskSpace === undefined ? {} : { readDiskSpace: options.readDiskSpace }),
  });
  const started = app.start();
  started.catch(() => undefined);
  if (options.nats !== undefined) await started;
  const url = await app.address;
  return { url, app, files };
}

function untilAborted(signal: AbortSignal): Promise<Bus> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('stopped while waiting for NATS')));
  });
}

export async function makeFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'atelier-bot-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** Plays the agent and one worker against the same database. */
export interface Backstage {
  db: Database;
  bus: Bus | undefined;
  /** accepted -> working with that many queued jobs. */
  plan(requestId: string, jobs?: number): Promise<void>;
  answer(requestId: string, answer: RequestAnswer): Promise<void>;
  /** The next queued job -> running. */
  run(): Promise<JobLease>;
  finish(lease: JobLease, outputs: JobOutput[]): Promise<void>;
  fail(lease: JobLease, error: PublicError): Promise<void>;
  cancel(lease: JobLease): Promise<void>;
  close(): Promise<void>;
}

export async function openBackstage(
  databaseUrl: string,
  nats: { url: string; prefix: string } | undefined,
): Promise<Backstage> {
  const db = createDatabase({ url: databaseUrl, poolSize: 3, applicationName: 'test backstage', log: silent });
  const bus = nats === undefined ? undefined : await connectBus({ ...nats, service: 'comfy-worker', log: silent });
  const holder = randomUUID();
  let instance: AcquiredInstance | undefined;

  async function publish(rows: readonly OutboxRow[] | undefined): Promise<void> {
    if (rows === undefined) throw new Error('the lease was lost');
    for (const row of rows) await bus?.publishOutbox(row);
    if (bus !== undefined) await db.sql`delete from outbox where id = any(${rows.map((row) => row.id)}::uuid[])`;
  }

  async function claim(requestId: string) {
    const [request] = await claimRequests(db, { holder, leaseMs: 30_000, limit: 1, requestId });
    if (request === undefined) throw new Error('the request cannot be claimed');
    return { request, lease: { requestId, holder, epoch: request.agentEpoch } };
  }

  async function held(): Promise<AcquiredInstance> {
    return (instance ??= await holdTestInstance(db, 'gpu0', 600_000));
  }

  return {
    db,
    bus,
    async plan(requestId, count = 1) {
      const { lease } = await claim(requestId);
      const jobs = Array.from({ length: count }, (_, index) => newTestJob(requestId, index, { recipe: plan.recipe }));
      await publish(await planRequest(db, lease, { ...plan, count }, jobs));
    },
    async answer(requestId, answer) {
      const { lease } = await claim(requestId);
      await publish(await answerRequest(db, lease, answer));
    },
    async run() {
      const holding = await held();
      const { queued } = await readQueueSnapshot(db);
      const lease = await pickTestJob(db, holding, queued[0]?.id ?? '');
      await markPosted(db, lease);
      const { outbox } = await markRunning(db, lease);
      await publish(outbox);
      return lease;
    },
    async finish(lease, outputs) {
      await markStoring(db, lease);
      await publish(await finishJob(db, lease, { outputs, gpuSeconds: 1 }));
    },
    fail: async (lease, error) => publish(await failJob(db, lease, { state: 'failed', error, gpuSeconds: 1 })),
    cancel: async (lease) => publish(await cancelJob(db, lease, 1)),
    async close() {
      await bus?.close();
      await db.close();
    },
  };
}

/** A visitor of the page: keeps its cookies. */
export function createVisitor(url: string, headers: Record<string, string> = {}) {
  const cookies = new Map<string, string>();

  async function call(path: string, init: RequestInit & { json?: unknown } = {}): Promise<Response> {
    const { json, ...rest } = init;
    const response = await fetch(`${url}${path}`, {
      ...rest,
      ...(json === undefined ? {} : { method: rest.method ?? 'POST', body: JSON.stringify(json) }),
      headers: {
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...(cookies.size === 0 ? {} : { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...headers,
        ...(rest.headers as Record<string, string> | undefined),
      },
    });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return response;
  }

  return {
    call,
    /** What a browser would send to the same host on another port. */
    cookies: () => [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    /** Submits and gives the request's id. */
    async ask(text: string, eventId: string = randomUUID()): Promise<string> {
      const response = await call('/api/requests', { json: { eventId, text } });
      const answer = (await response.json()) as { requestId: string };
      if (response.status !== 202) throw new Error(`refused with ${response.status}: ${JSON.stringify(answer)}`);
      return answer.requestId;
    },
    async json<T>(path: string, init: RequestInit & { json?: unknown } = {}): Promise<T> {
      return (await (await call(path, init)).json()) as T;
    },
    async openEvents(query = ''): Promise<EventReader> {
      const stop = new AbortController();
      const response = await call(`/api/events${query}`, { signal: stop.signal });
      return readEvents(response, stop);
    },
  };
}
export type Visitor = ReturnType<typeof createVisitor>;

export interface ReceivedEvent {
  event: string;
  // Whatever the server sent: tests look at parts of it.
  data: Record<string, unknown>;
}

export interface EventReader {
  readonly received: ReceivedEvent[];
  /** The first event, past or to come, that fits. */
  until(event: string, fits?: (data: Record<string, unknown>) => boolean): Promise<ReceivedEvent['data']>;
  close(): void;
}

function readEvents(response: Response, stop: AbortController): EventReader {
  const received: ReceivedEvent[] = [];
  const waiting = new Set<() => void>();

  async function read(): Promise<void> {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = /^event: (.*)$/m.exec(block)?.[1];
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (event !== undefined && data !== undefined) received.push({ event, data: JSON.parse(data) });
      }
      for (const wake of waiting) wake();
    }
  }
  // Ends with an abort or with the server.
  read().catch(() => undefined);

  return {
    received,
    until(event, fits = () => true) {
      const { promise, resolve } = Promise.withResolvers<ReceivedEvent['data']>();
      const look = (): void => {
        const found = received.find((one) => one.event === event && fits(one.data));
        if (found === undefined) return;
        waiting.delete(look);
        resolve(found.data);
      };
      waiting.add(look);
      look();
      return promise;
    },
    close: () => stop.abort(),
  };
}
