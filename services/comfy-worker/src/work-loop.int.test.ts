import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createComfyClient, type ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { createComfySocket, type ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { createSimulator } from '@atelier/comfyui-sim/create-simulator';
import { defaultPickRules } from '@atelier/queue/pick-job';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import type { NewJob } from '@atelier/shared/contracts/job';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { markStoring } from '@atelier/shared/db/jobs/job-transitions';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { readJob, readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { holdTestInstance, pickTestJob, queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { AppError } from '@atelier/shared/errors/app-error';
import { useTestDatabase } from '@atelier/tests/support/servers';
import { createJobStore } from './adapters/job-store.ts';
import { createOutputStore } from './adapters/output-store.ts';
import type { WorkerTimings } from './config.ts';
import type { JobStore } from './ports.ts';
import { createCancelBoard } from './core/cancel-board.ts';
import type { Tenure } from './core/lease-keeper.ts';
import { LeaseLostError, runJob } from './core/run-job.ts';
import { createWakeBell } from './core/wake-bell.ts';
import { workLoop, type WorkLoopDeps } from './core/work-loop.ts';

const testDatabase = useTestDatabase();
const log = pino({ level: 'silent' });
let serviceMs = 20;
const simulator = createSimulator({ port: 0, speed: 1, serviceTimeMs: () => serviceMs });
const timings: WorkerTimings = {
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
};
const workflowText = JSON.stringify({
  '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: 255 } },
  '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'x' } },
});

let db: Database;
let folder: string;
let client: ComfyClient;
let socket: ComfySocket;
let draining: AbortController;
let lost: AbortController;
let working: Promise<void>;

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
  await socket.close();
  await simulator.stop();
  await db.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await db.sql`truncate requests, jobs, job_outputs, instances, fair_shares, outbox, deliveries, people, identities cascade`;
  serviceMs = 20;
  draining = new AbortController();
  lost = new AbortController();
  working = Promise.resolve();
});
afterEach(async () => {
  draining.abort();
  lost.abort();
  await working.catch(() => {});
  simulator.clearFaults();
  simulator.inject({ kind: 'restart' });
});

async function depsOf(changes: Partial<WorkLoopDeps> = {}): Promise<WorkLoopDeps> {
  const instance = changes.tenure?.instance ?? (await holdTestInstance(db, 'gpu0', 60_000));
  const assets = createFolderAssetStore({ folder, maxBytes: 10_000_000 });
  return {
    store: createJobStore(db, { nudge: () => {} }),
    client,
    socket,
    outputs: createOutputStore(client, assets, 10_000_000),
    uploadInputs: () => Promise.resolve(true),
    reporter: () => ({ progress: () => {}, preview: () => {}, end: () => {} }),
    tenure: { instance, signal: lost.signal, validForMs: () => 60_000, end: () => {} },
    timings,
    log,
    rules: defaultPickRules,
    classes: () => new Set(['EmptyImage', 'SaveImage']),
    available: () => true,
    paused: () => false,
    bell: createWakeBell(),
    cancelSignal: () => lost.signal,
    onJob: () => {},
    ...changes,
  };
}

async function queueOne(changes: Partial<NewJob> = {}): Promise<{ requestId: string; jobId: string }> {
  const { requestId, jobIds } = await queueTestJobs(db, 1, 'mei', { workflowText, ...changes });
  return { requestId, jobId: jobIds[0]! };
}

function begin(deps: WorkLoopDeps): void {
  working = workLoop(deps, draining.signal);
}

const untilState = (jobId: string, state: string): Promise<JobRecord> =>
  vi.waitFor(
    async () => {
      const job = await readJob(db, jobId);
      expect(job?.state).toBe(state);
      return job!;
    },
    { timeout: 5_000, interval: 10 },
  );

describe('workLoop', () => {
  it('needs five round trips to Postgres a job', async () => {
    const file = { hash: 'a'.repeat(64), mediaType: 'image/png', bytes: 1, nodeId: '2', filename: 'x.png' };
    const deps = await depsOf({ outputs: { store: (_, index) => Promise.resolve({ index, ...file }) } });
    const calls: string[] = [];
    const counted = new Proxy(deps.store, {
      get(target, name: keyof JobStore) {
        calls.push(name);
        return target[name];
      },
    });
    const { jobId } = await queueOne();
    begin({ ...deps, store: counted });
    await untilState(jobId, 'succeeded');
    const first = calls.indexOf('snapshot');
    expect(calls.slice(first, calls.indexOf('finish') + 1)).toEqual([
      'snapshot',
      'pick',
      'posted',
      'running',
      'finish',
    ]);
  });

  it('goes on with a job whose pick was committed although the answer of Postgres was lost', async () => {
    const deps = await depsOf();
    let lostAnswers = 0;
    const pick: JobStore['pick'] = async (...args) => {
      const picked = await deps.store.pick(...args);
      if (lostAnswers++ === 0) throw new AppError('unavailable', 'the connection was lost');
      return picked;
    };
    const { jobId } = await queueOne();
    begin({ ...deps, store: { ...deps.store, pick } });
    expect((await untilState(jobId, 'succeeded')).attempts).toBe(1);
  });

  it('comes back to a job when a write was refused although the lease is held', async () => {
    const deps = await depsOf();
    let refused = 0;
    const finish: JobStore['finish'] = (...args) =>
      refused++ === 0 ? Promise.resolve(false) : deps.store.finish(...args);
    const { jobId } = await queueOne();
    begin({ ...deps, store: { ...deps.store, finish } });
    await untilState(jobId, 'succeeded');
    expect(simulator.log().filter((entry) => JSON.stringify(entry.extraData).includes(jobId))).toHaveLength(1);
  });

  it('repeats a cancel that could not be carried out because Postgres was away', async () => {
    serviceMs = 60_000;
    const board = createCancelBoard();
    const deps = await depsOf({ cancelSignal: (jobId) => board.signalOf(jobId) });
    let away = 1;
    const withdrawing: JobStore['withdrawing'] = (lease) =>
      away-- > 0 ? Promise.reject(new AppError('unavailable', 'away')) : deps.store.withdrawing(lease);
    // Somebody else's prompt is before ours, so that ours waits in ComfyUI.
    await client.postPrompt({ promptId: randomUUID(), workflow: workflowText });
    const { requestId, jobId } = await queueOne();
    begin({ ...deps, store: { ...deps.store, withdrawing } });
    await untilState(jobId, 'posted');
    await cancelRequest(db, requestId);
    board.request(jobId);
    expect((await untilState(jobId, 'cancelled')).gpuSeconds).toBe(0);
  });

  it('ends a job at its time limit although the executor heeds no interrupt and no socket tells', async () => {
    serviceMs = 60_000;
    const deaf: ComfySocket = { ...socket, state: 'connecting', subscribe: () => () => {} };
    const { jobId } = await queueOne({ timeLimitSeconds: 1 });
    begin(await depsOf({ socket: deaf }));
    await untilState(jobId, 'running');
    simulator.inject({ kind: 'executor-dead' });
    expect((await untilState(jobId, 'failed')).error?.code).toBe('time_limit');
  });

  it('is not held up for ever by a prompt left behind on a hanging executor', async () => {
    serviceMs = 60_000;
    const deps = await depsOf();
    const promptId = randomUUID();
    await client.postPrompt({ promptId, workflow: workflowText, extraData: { atelier: { instance: 'gpu0' } } });
    await vi.waitFor(async () => expect((await client.queue()).running).toHaveLength(1));
    simulator.inject({ kind: 'executor-dead' });
    const errors = vi.fn<() => void>();
    const told = pino({ level: 'error' }, { write: errors });
    begin({ ...deps, log: told });
    await vi.waitFor(() => expect(errors).toHaveBeenCalled(), { timeout: 5_000 });
    draining.abort();
    await working;
  });

  it('lives on when ComfyUI refuses to show its queue', async () => {
    const deps = await depsOf();
    let refusals = 0;
    const queue: ComfyClient['queue'] = (options) =>
      refusals++ === 0 ? Promise.reject(new ComfyError('refused', 'no', { status: 500 })) : client.queue(options);
    const { jobId } = await queueOne();
    begin({ ...deps, client: { ...client, queue } });
    await untilState(jobId, 'succeeded');
    expect(refusals).toBeGreaterThan(0);
  });

  it('fails a job whose file never comes although ComfyUI answers everything else', async () => {
    const { jobId } = await queueOne();
    const store = () => Promise.reject(new ComfyError('unreachable', 'the connection broke'));
    begin(await depsOf({ outputs: { store } }));
    expect((await untilState(jobId, 'failed')).error?.code).toBe('output_missing');
  });

  it('stores four files of a job at a time, in their order', async () => {
    const text = workflowText.replace('"batch_size":1', '"batch_size":10');
    const { requestId, jobId } = await queueOne({ workflowText: text });
    const deps = await depsOf();
    let atATime = 0;
    let most = 0;
    const store: WorkLoopDeps['outputs']['store'] = async (...args) => {
      most = Math.max(most, ++atATime);
      try {
        return await deps.outputs.store(...args);
      } finally {
        atATime -= 1;
      }
    };
    begin({ ...deps, outputs: { store } });
    await untilState(jobId, 'succeeded');
    const [job] = await readJobsOfRequests(db, [requestId]);
    expect(job?.outputs.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const names = job?.outputs.map(({ filename }) => filename) ?? [];
    expect(names).toEqual(names.toSorted());
    expect(most).toBe(4);
  });

  it('charges no more than the time limit when the clock of ComfyUI was set while it ran', async () => {
    const { jobId } = await queueOne({ timeLimitSeconds: 30 });
    const job: ComfyClient['job'] = async (promptId, options) => {
      const found = await client.job(promptId, options);
      if (found.at !== 'finished') return found;
      return { at: 'finished', finished: { ...found.finished, startedAtMs: 0, endedAtMs: 10 ** 12 } };
    };
    begin(await depsOf({ client: { ...client, job } }));
    expect((await untilState(jobId, 'succeeded')).gpuSeconds).toBeCloseTo(30.2);
  });

  it('ends a cancelled job whose files ComfyUI forgot while they were being stored', async () => {
    const { requestId, jobId } = await queueOne();
    const deps = await depsOf();
    const lease = await pickTestJob(db, deps.tenure.instance, jobId);
    await markStoring(db, lease);
    await cancelRequest(db, requestId);
    begin(deps);
    await untilState(jobId, 'queued');
    await cancelRequest(db, requestId);
    expect((await untilState(jobId, 'cancelled')).gpuSeconds).toBe(0);
  });
});

describe('a Postgres whose connections break', () => {
  /** Every call fails now and then, half of the time after it has taken effect. */
  function breaking(store: JobStore, seed: number): JobStore {
    let state = seed;
    const next = (): number => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
    const away = (): never => {
      throw new AppError('unavailable', 'the connection broke');
    };
    const often = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
      return async (...args: A): Promise<R> => {
        const dice = next();
        if (dice < 0.12) away();
        const answer = await call(...args);
        return dice < 0.24 ? away() : answer;
      };
    };
    return {
      ...store,
      snapshot: often(store.snapshot),
      pick: often(store.pick),
      read: often(store.read),
      posted: often(store.posted),
      running: often(store.running),
      storing: often(store.storing),
      finish: often(store.finish),
      requeue: often(store.requeue),
    };
  }

  it.each([1, 2, 3])(
    'delays jobs, and neither loses nor repeats one (seed %i)',
    async (seed) => {
      const deps = await depsOf();
      const { jobIds } = await queueTestJobs(db, 5, 'mei', { workflowText });
      begin({ ...deps, store: breaking(deps.store, seed) });
      await vi.waitFor(
        async () => {
          const jobs = await Promise.all(jobIds.map((jobId) => readJob(db, jobId)));
          expect(jobs.map((job) => job?.state)).toEqual(jobIds.map(() => 'succeeded'));
        },
        { timeout: 20_000, interval: 25 },
      );
      const runs = simulator.log().map(({ extraData }) => JSON.stringify(extraData));
      expect(jobIds.map((jobId) => runs.filter((mark) => mark.includes(jobId)).length)).toEqual(jobIds.map(() => 1));
      const [request] = await db.sql`select state, jobs_open, jobs_succeeded from requests`;
      expect(request).toEqual({ state: 'succeeded', jobsOpen: 0, jobsSucceeded: 5 });
    },
    25_000,
  );
});

describe('runJob', () => {
  it('lets go within its time when the lease was lost during the POST and ComfyUI is gone, too', async () => {
    const { jobId } = await queueOne();
    const deps = await depsOf();
    const lease = await pickTestJob(db, deps.tenure.instance, jobId);
    const job = (await readJob(db, jobId))!;
    let posted = false;
    const gone = () => Promise.reject(new ComfyError('unreachable', 'gone'));
    const tenure: Tenure = { ...deps.tenure, validForMs: () => (posted ? 0 : 60_000) };
    const dying: ComfyClient = {
      ...client,
      async postPrompt({ promptId }) {
        posted = true;
        await db.sql`update jobs set prompt_id = ${randomUUID()}, epoch = epoch + 1 where id = ${lease.jobId}`;
        return { state: 'accepted', promptId, number: 1, nodeErrors: {} };
      },
      deletePending: () => Promise.resolve(),
      job: gone,
      queue: gone,
      history: gone,
    };
    const running = runJob({ ...deps, tenure, client: dying, onStuck: () => {} }, job, true, lost.signal);
    await expect(running).rejects.toBeInstanceOf(LeaseLostError);
  });
});
