import { createHash, randomUUID } from 'node:crypto';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import type { Bus } from '@atelier/shared/bus/bus';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { reportInstance } from '@atelier/shared/db/instances/instance-store';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { createOutboxRelay, type OutboxRelay } from '@atelier/shared/db/outbox-relay';
import { acceptRequest } from '@atelier/shared/db/requests/accept-request';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { RequestBody } from '@atelier/shared/contracts/request';
import { AppError } from '@atelier/shared/errors/app-error';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createTestDatabase, createTestNats } from '../../../../tests/support/servers.ts';
import { createFakeWorker, type FakeWorker } from './fake-worker.ts';
import { createAgentApp, type AgentApp, type AgentAppOptions } from '../app.ts';
import { createImageLoader } from '../adapters/scaled-images.ts';
import type { PictureFiles } from '../core/planning-parts.ts';

/** An agent's surroundings: a database, a share of NATS, a door that submits, and workers that publish registries. */
export interface AgentWorld {
  db: Database;
  /** Starts one more agent with a connection of its own. */
  startAgent(options?: Partial<AgentAppOptions>): Promise<AgentApp & { bus: Bus }>;
  /** Publishes the recorded registry of ComfyUI 0.8.0 as a worker does; `text` is for another one. */
  publishRegistry(instanceId?: string, text?: string): Promise<void>;
  /** Accepts a request as a door does, and rings unless `silent`. */
  submit(body: RequestBody, options?: SubmitOptions): Promise<string>;
  /** Waits until the request is in one of these states. */
  until(requestId: string, ...states: RequestRecord['state'][]): Promise<RequestRecord>;
  jobsOf(requestId: string): Promise<JobWithOutputs[]>;
  /** Does jobs without a GPU. */
  worker: FakeWorker;
  /** Puts a file into the asset store. @returns its hash. */
  store(bytes: Uint8Array): string;
  outbox: OutboxRelay;
  /** Removes every stream and its consumers. */
  wipeNats(): Promise<void>;
  bus: Bus;
  /** As settings of a service process. */
  env: { NATS_URL: string; NATS_PREFIX: string; DATABASE_URL: string };
  close(): Promise<void>;
}

export interface SubmitOptions {
  silent?: boolean;
  language?: 'en' | 'zh';
  eventId?: string;
  /** Who asks; default Ada. */
  person?: string;
  /** Where, as a thread of its own; default the person's own place. */
  place?: string;
  isPrivate?: boolean;
}

const log = createLogger('agent-test', process.env['TEST_LOG_LEVEL'] ?? 'silent');

/** The recorded registry as a worker publishes it. */
export function recordedRegistryText(): string {
  return readRecordedObjectInfo('0.8.0');
}

/** The same registry with other checkpoints. */
export function registryTextWithCheckpoints(names: readonly string[]): string {
  const info = parseJson(recordedRegistryText());
  const loader = objectAt(info, 'CheckpointLoaderSimple');
  const required = objectAt(objectAt(loader, 'input'), 'required');
  required['ckpt_name'] = [[...names], {}];
  return stringifyJson(info);
}

function objectAt(value: unknown, key: string): Record<string, ReturnType<typeof parseJson>> {
  const found =
    typeof value === 'object' && value !== null ? Object.entries(value).find(([name]) => name === key)?.[1] : undefined;
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw new Error(`${key} is no object`);
  return found as Record<string, ReturnType<typeof parseJson>>;
}

export async function startAgentWorld(): Promise<AgentWorld> {
  const [database, nats] = await Promise.all([createTestDatabase(), createTestNats()]);
  await migrateDatabase(database.url);
  const db = createDatabase({ url: database.url, poolSize: 8, applicationName: 'agent-test', log });
  const connect = (service: 'agent' | 'bot'): Promise<Bus> =>
    connectBus({ url: nats.url, prefix: nats.prefix, service, log });
  const bus = await connect('bot');
  const outbox = createOutboxRelay({ db, publish: (row) => bus.publishOutbox(row), log });
  const files = new Map<string, Uint8Array>();
  const readFile = (hash: string): Promise<Uint8Array> => {
    const bytes = files.get(hash);
    return bytes === undefined ? Promise.reject(new AppError('not_found', 'no such file')) : Promise.resolve(bytes);
  };
  const pictureFiles: PictureFiles = { has: (hash) => Promise.resolve(files.has(hash)), read: readFile };
  const worker = createFakeWorker(db, outbox);
  const agents = new Set<{ stop: () => Promise<void> }>();

  async function submit(body: RequestBody, options: SubmitOptions = {}): Promise<string> {
    const person = options.person ?? 'Ada';
    const accepted = await acceptRequest(db, {
      eventId: options.eventId ?? randomUUID(),
      user: { door: 'web', id: person.toLowerCase(), displayName: person, language: options.language ?? 'en' },
      place: { door: 'web', id: options.place ?? person.toLowerCase() },
      body,
      ...(options.isPrivate === true ? { isPrivate: true } : {}),
    });
    if (options.silent === true) await db.sql`delete from outbox`;
    else outbox.nudge(accepted.outbox);
    return accepted.requestId;
  }

  return {
    db,
    bus,
    env: { NATS_URL: nats.url, NATS_PREFIX: nats.prefix, DATABASE_URL: database.url },
    submit,
    async startAgent(options = {}) {
      const own = await connect('agent');
      const app = createAgentApp({
        db,
        bus: own,
        readAssetText: (hash) => readFile(hash).then((bytes) => Buffer.from(bytes).toString()),
        files: pictureFiles,
        loadImage: createImageLoader(pictureFiles),
        log,
        concurrency: 4,
        catalogPollMs: 200,
        ...options,
      });
      let stopping: Promise<void> | undefined;
      const agent = {
        bus: own,
        start: () => app.start(),
        stop() {
          stopping ??= app.stop().then(() => own.close());
          return stopping;
        },
      };
      agents.add(agent);
      await app.start();
      return agent;
    },
    async publishRegistry(instanceId = 'gpu-0', text = recordedRegistryText()) {
      const hash = createHash('sha256').update(text).digest('hex');
      files.set(hash, Buffer.from(text));
      const lease = await worker.hold(instanceId);
      await reportInstance(db, lease, { registry: { hash, classes: [] } });
    },
    async until(requestId, ...states) {
      const deadline = performance.now() + 12_000;
      for (;;) {
        const request = await readRequest(db, requestId);
        if (request !== undefined && states.includes(request.state)) return request;
        if (performance.now() > deadline) {
          throw new Error(`the request stayed ${request?.state}: ${JSON.stringify(request?.error ?? request?.reply)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
    jobsOf: (requestId) => readJobsOfRequests(db, [requestId]),
    worker,
    store(bytes) {
      const hash = createHash('sha256').update(bytes).digest('hex');
      files.set(hash, bytes);
      return hash;
    },
    outbox,
    wipeNats: () => nats.clear(),
    async close() {
      await Promise.all([...agents].map((agent) => agent.stop()));
      await outbox.stop();
      await bus.close();
      await db.close();
      await Promise.all([database.drop(), nats.clear()]);
    },
  };
}
