import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import { createComfyClient, type ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySocket, type ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { createSimulator, type Simulator } from '@atelier/comfyui-sim/create-simulator';
import { defaultPickRules } from '@atelier/queue/pick-job';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import type { NewJob } from '@atelier/shared/contracts/job';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { holdTestInstance, queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { createJobStore } from '../adapters/job-store.ts';
import { createOutputStore } from '../adapters/output-store.ts';
import type { WorkerTimings } from '../config.ts';
import { createPromptLine } from '../core/prompt-line.ts';
import { createWakeBell } from '../core/wake-bell.ts';
import { workLoop, type WorkLoopDeps } from '../core/work-loop.ts';

/** The protocol's waits as short as a test needs them. */
export const testTimings: WorkerTimings = {
  leaseMs: 60_000,
  beatMs: 100,
  acquireMs: 50,
  postMarginMs: 200,
  postTimeoutMs: 2_000,
  settleMs: 60,
  pollMs: 50,
  silenceMs: 60_000,
  sweepMs: 50,
  strandedAfterMs: 60_000,
  statusMs: 50,
  drainMs: 100,
  interruptMs: 200,
  retryMs: 5,
  prepareAheadMs: 1_000,
  postAheadMs: 300,
  storeLimitMs: 60_000,
};

/** One little picture. */
export const workflowText = JSON.stringify({
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
});

/** The work loop on a real Postgres and a simulated ComfyUI, afresh for each test. */
export interface WorkerFixture {
  readonly db: Database;
  readonly client: ComfyClient;
  readonly socket: ComfySocket;
  readonly simulator: Simulator;
  /** What one prompt takes on the GPU. */
  serviceMs: number;
  /** Fires when the lease is lost. */
  readonly lost: AbortController;
  readonly draining: AbortController;
  depsOf(changes?: Partial<WorkLoopDeps>): Promise<WorkLoopDeps>;
  /** Starts the loop; it ends with the test. */
  begin(deps: WorkLoopDeps): Promise<void>;
  queueOne(changes?: Partial<NewJob>, person?: string): Promise<{ requestId: string; jobId: string }>;
  untilState(jobId: string, state: JobRecord['state']): Promise<JobRecord>;
  /** How often the GPU worked on a job, to its end or not. */
  runsOf(jobId: string): number;
}

/** Registers the hooks of one test file. */
export function useWorkerFixture(): WorkerFixture {
  const testDatabase = useTestDatabase();
  const log = pino({ level: 'silent' });
  const simulator = createSimulator({
    port: 0,
    speed: 1,
    cache: { kind: 'none' },
    serviceTimeMs: () => fixture.serviceMs,
  });
  let db: Database | undefined;
  let client: ComfyClient | undefined;
  let socket: ComfySocket | undefined;
  let folder = '';
  let runsBefore = 0;
  let working: Promise<void>[] = [];
  const controllers = { lost: new AbortController(), draining: new AbortController() };

  function made<T>(part: T | undefined): T {
    if (part === undefined) throw new Error('the fixture exists only inside tests and hooks');
    return part;
  }

  const fixture: WorkerFixture = {
    get db() {
      return made(db);
    },
    get client() {
      return made(client);
    },
    get socket() {
      return made(socket);
    },
    simulator,
    serviceMs: 20,
    get lost() {
      return controllers.lost;
    },
    get draining() {
      return controllers.draining;
    },
    async depsOf(changes = {}) {
      const instance = changes.tenure?.instance ?? (await holdTestInstance(fixture.db, 'gpu0', 60_000));
      const assets = createFolderAssetStore({ folder, maxBytes: 10_000_000 });
      const bell = changes.bell ?? createWakeBell();
      return {
        store: createJobStore(fixture.db, { nudge: () => {} }, log),
        client: fixture.client,
        socket: fixture.socket,
        outputs: createOutputStore(fixture.client, assets, 10_000_000),
        uploadInputs: () => Promise.resolve(true),
        reporter: () => ({ progress: () => {}, preview: () => {}, end: () => {} }),
        tenure: { instance, signal: controllers.lost.signal, validForMs: () => 60_000, end: () => {} },
        timings: testTimings,
        log,
        rules: defaultPickRules,
        classes: () => new Set(['EmptyImage', 'SaveImage']),
        models: () => new Set<string>(),
        available: () => true,
        paused: () => false,
        takeNews: () => false,
        bell,
        cancelSignal: () => new AbortController().signal,
        onJobEnded: () => {},
        onMemoryLost: () => {},
        onExecutorStuck: () => {},
        line: createPromptLine({
          depth: 2,
          prepareAheadMs: testTimings.prepareAheadMs,
          postAheadMs: testTimings.postAheadMs,
          now: () => performance.now(),
          onChange: () => bell.ring(),
        }),
        tempOutputs: 'when_nothing_else',
        checkWorkflow: () => undefined,
        ...changes,
      };
    },
    begin(deps) {
      const loop = workLoop(deps, controllers.draining.signal);
      working.push(loop);
      return loop;
    },
    async queueOne(changes = {}, person = 'mei') {
      const { requestId, jobIds } = await queueTestJobs(fixture.db, 1, person, { workflowText, ...changes });
      return { requestId, jobId: jobIds[0] ?? '' };
    },
    untilState: (jobId, state) =>
      vi.waitFor(
        async () => {
          const job = await readJob(fixture.db, jobId);
          expect(job?.state).toBe(state);
          return job as JobRecord;
        },
        { timeout: 8_000, interval: 10 },
      ),
    runsOf: (jobId) =>
      simulator
        .log()
        .slice(runsBefore)
        .filter(({ extraData }) => JSON.stringify(extraData).includes(jobId)).length,
  };

  beforeAll(async () => {
    await migrateDatabase(testDatabase().url);
    db = createDatabase({ url: testDatabase().url, poolSize: 4, applicationName: 'test', log });
    folder = await mkdtemp(join(tmpdir(), 'atelier-worker-'));
    const { url } = await simulator.start();
    client = createComfyClient({ baseUrl: url, clientId: randomUUID() });
    socket = createComfySocket({ baseUrl: url, clientId: client.clientId });
    socket.start();
  });
  afterAll(async () => {
    await socket?.close();
    await simulator.stop();
    await db?.close();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    await fixture.db
      .sql`truncate requests, jobs, job_outputs, instances, fair_shares, outbox, deliveries, people, identities cascade`;
    fixture.serviceMs = 20;
    controllers.draining = new AbortController();
    controllers.lost = new AbortController();
    working = [];
    runsBefore = simulator.log().length;
  });
  afterEach(async () => {
    controllers.draining.abort();
    controllers.lost.abort();
    await Promise.allSettled(working);
    simulator.clearFaults();
    simulator.inject({ kind: 'restart' });
  });
  return fixture;
}
