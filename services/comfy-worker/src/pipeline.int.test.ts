import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { forecastSnapshot } from '@atelier/queue/forecast-snapshot';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import { readQueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { readJob } from '@atelier/shared/db/jobs/read-jobs';
import { setJobPriority } from '@atelier/shared/db/operators/set-job-priority';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { holdTestInstance, lapseTestInstance, queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { AppError } from '@atelier/shared/errors/app-error';
import { createComfyLink } from './adapters/comfy-link.ts';
import { createCancelBoard } from './core/cancel-board.ts';
import { createPromptLine } from './core/prompt-line.ts';
import { createWakeBell } from './core/wake-bell.ts';
import type { WorkLoopDeps } from './core/work-loop.ts';
import { testTimings, useWorkerFixture, workflowText } from './testing/worker-fixture.ts';

const worker = useWorkerFixture();

/** Lets what runs go on. */
const release = (): void => worker.simulator.clearFaults('executor-dead');

/** Runs until ComfyUI holds one prompt of ours that runs, and stands still, and one that waits. @returns their jobs. */
async function untilTwo(): Promise<{ running: string; waiting: string }> {
  await vi.waitFor(() => expect(worker.simulator.log().some(({ endedAt }) => endedAt === undefined)).toBe(true), {
    timeout: 5_000,
    interval: 5,
  });
  worker.simulator.inject({ kind: 'executor-dead' });
  await vi.waitFor(
    async () => {
      const rows = await worker.db.sql`select state from jobs where state in ('running', 'posted') order by state`;
      expect(rows.map((row) => row['state'])).toEqual(['posted', 'running']);
      const { running, pending } = await worker.client.queue();
      expect([running.length, pending.length]).toEqual([1, 1]);
    },
    { timeout: 5_000, interval: 10 },
  );
  const rows = await worker.db.sql`select id, state from jobs where state in ('running', 'posted')`;
  const idOf = (state: string): string => String(rows.find((row) => row['state'] === state)?.['id']);
  return { running: idOf('running'), waiting: idOf('posted') };
}

async function openPrompts(): Promise<number> {
  const { running, pending } = await worker.client.queue();
  return running.length + pending.length;
}

/** What a job of this kind is measured to take. */
async function measure(estimateKey: string, gpuSeconds: number): Promise<void> {
  const { jobIds } = await queueTestJobs(worker.db, 1, 'earlier', { workflowText, estimateKey });
  await worker.db.sql`
    update jobs set state = 'succeeded', gpu_seconds = ${gpuSeconds}, finished_at = now() where id = any(${jobIds}::uuid[])`;
}

describe('two prompts in ComfyUI', () => {
  it('lets the next one wait there while one runs, and never a third', async () => {
    worker.serviceMs = 120;
    const { jobIds } = await queueTestJobs(worker.db, 5, 'mei', { workflowText });
    let most = 0;
    const deps = await worker.depsOf();
    const client = {
      ...deps.client,
      async postPrompt(...args: Parameters<typeof deps.client.postPrompt>) {
        const answer = await deps.client.postPrompt(...args);
        most = Math.max(most, worker.simulator.remaining());
        return answer;
      },
    };
    void worker.begin({ ...deps, client });
    await worker.untilState(jobIds.at(-1) ?? '', 'succeeded');
    expect(most).toBe(2);
    const runs = worker.simulator.log().slice(-5);
    expect(runs.every(({ outcome }) => outcome === 'success')).toBe(true);
    expect(jobIds.map(worker.runsOf)).toEqual([1, 1, 1, 1, 1]);
  });

  it('holds one at depth 1', async () => {
    worker.serviceMs = 80;
    const { jobIds } = await queueTestJobs(worker.db, 3, 'mei', { workflowText });
    const bell = createWakeBell();
    const rules = { depth: 1, prepareAheadMs: 1_000, postAheadMs: 300, now: () => performance.now() };
    const deps = await worker.depsOf({ bell, line: createPromptLine({ ...rules, onChange: () => bell.ring() }) });
    let most = 0;
    const client = {
      ...deps.client,
      async postPrompt(...args: Parameters<typeof deps.client.postPrompt>) {
        const answer = await deps.client.postPrompt(...args);
        most = Math.max(most, worker.simulator.remaining());
        return answer;
      },
    };
    void worker.begin({ ...deps, client });
    await worker.untilState(jobIds.at(-1) ?? '', 'succeeded');
    expect(most).toBe(1);
  });

  it('posts late behind a job that is known to take long', async () => {
    worker.serviceMs = 900;
    await measure('slow', 0.9);
    const { jobIds } = await queueTestJobs(worker.db, 2, 'mei', { workflowText, estimateKey: 'slow' });
    const postedAt: number[] = [];
    const deps = await worker.depsOf();
    const client = {
      ...deps.client,
      postPrompt(...args: Parameters<typeof deps.client.postPrompt>) {
        postedAt.push(performance.now());
        return deps.client.postPrompt(...args);
      },
    };
    void worker.begin({ ...deps, client });
    // Picked and prepared early: it is ours, and not in ComfyUI.
    await worker.untilState(jobIds[1] ?? '', 'posting');
    expect(await openPrompts()).toBe(1);
    await worker.untilState(jobIds[1] ?? '', 'succeeded');
    const [first = 0, second = 0] = postedAt;
    expect(second - first).toBeGreaterThan(450);
  });

  it('goes on with the next while what the one before made is still being stored', async () => {
    worker.serviceMs = 40;
    const deps = await worker.depsOf();
    let release = (): void => {};
    const released = new Promise<void>((resolve) => (release = resolve));
    const { jobIds } = await queueTestJobs(worker.db, 3, 'mei', { workflowText });
    const outputs: WorkLoopDeps['outputs'] = {
      ...deps.outputs,
      async store(...args) {
        await released;
        return deps.outputs.store(...args);
      },
    };
    void worker.begin({ ...deps, outputs });
    await worker.untilState(jobIds[0] ?? '', 'storing');
    await vi.waitFor(() => expect(worker.runsOf(jobIds[1] ?? '')).toBe(1));
    release();
    await worker.untilState(jobIds[0] ?? '', 'succeeded');
  });

  it('keeps the GPU at work while the disk is full, and stores everything when there is room', async () => {
    const deps = await worker.depsOf();
    let full = 12;
    const { jobIds } = await queueTestJobs(worker.db, 3, 'mei', { workflowText });
    const store: WorkLoopDeps['outputs']['store'] = (...args) =>
      full-- > 0
        ? Promise.reject(new AppError('unavailable', 'storing a file: the disk is full (ENOSPC)'))
        : deps.outputs.store(...args);
    void worker.begin({ ...deps, outputs: { ...deps.outputs, store } });
    for (const jobId of jobIds) await worker.untilState(jobId, 'succeeded');
    expect(jobIds.map(worker.runsOf)).toEqual([1, 1, 1]);
  });

  it('is not misled by a clock that is set while it works', async () => {
    worker.serviceMs = 150;
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const { jobIds } = await queueTestJobs(worker.db, 3, 'mei', { workflowText });
      void worker.begin(await worker.depsOf());
      for (const [at, jobId] of jobIds.entries()) {
        await worker.untilState(jobId, 'running');
        vi.setSystemTime(Date.now() + (at === 0 ? 86_400_000 : -2 * 86_400_000));
      }
      for (const jobId of jobIds) {
        const job = await worker.untilState(jobId, 'succeeded');
        expect(job.attempts).toBe(1);
        expect(job.gpuSeconds).toBeGreaterThanOrEqual(0);
        expect(job.gpuSeconds).toBeLessThanOrEqual(job.timeLimitSeconds + 1);
      }
      expect(jobIds.map(worker.runsOf)).toEqual([1, 1, 1]);
    } finally {
      vi.useRealTimers();
    }
  });

  it('says so when the disk stays full', async () => {
    const deps = await worker.depsOf({ timings: { ...testTimings, storeLimitMs: 50 } });
    const { jobId } = await worker.queueOne();
    const store = () => Promise.reject(new AppError('unavailable', 'storing a file: the disk is full (ENOSPC)'));
    void worker.begin({ ...deps, outputs: { ...deps.outputs, store } });
    expect((await worker.untilState(jobId, 'failed')).error?.code).toBe('store_away');
  });
});

describe('what waits in ComfyUI', () => {
  it('goes back to the queue when the worker is paused, and what runs goes on', async () => {
    worker.serviceMs = 400;
    await queueTestJobs(worker.db, 2, 'mei', { workflowText });
    const bell = createWakeBell();
    let paused = false;
    void worker.begin(await worker.depsOf({ bell, paused: () => paused }));
    const { running, waiting } = await untilTwo();
    paused = true;
    bell.ring();
    await worker.untilState(waiting, 'queued');
    expect((await worker.client.queue()).pending).toEqual([]);
    release();
    await worker.untilState(running, 'succeeded');
    expect(worker.runsOf(waiting)).toBe(0);
    paused = false;
    await worker.untilState(waiting, 'succeeded');
  });

  it('is handed back when the worker drains', async () => {
    worker.serviceMs = 300;
    await queueTestJobs(worker.db, 2, 'mei', { workflowText });
    const loop = worker.begin(await worker.depsOf());
    const { running, waiting } = await untilTwo();
    worker.draining.abort();
    await worker.untilState(waiting, 'queued');
    release();
    await loop;
    expect((await readJob(worker.db, running))?.state).toBe('succeeded');
    expect((await readJob(worker.db, waiting))?.state).toBe('queued');
    expect(worker.runsOf(waiting)).toBe(0);
  });

  it('makes room for interactive work where it is batch work, once while a job runs', async () => {
    worker.serviceMs = 300;
    const batch = await queueTestJobs(worker.db, 2, 'mei', { workflowText, class: 'batch' });
    const bell = createWakeBell();
    let news = false;
    const takeNews = (): boolean => {
      const had = news;
      news = false;
      return had;
    };
    void worker.begin(await worker.depsOf({ bell, takeNews }));
    const { waiting } = await untilTwo();
    const { jobId } = await worker.queueOne({ class: 'interactive' }, 'ana');
    news = true;
    bell.ring();
    await worker.untilState(waiting, 'queued');
    release();
    for (const id of batch.jobIds) await worker.untilState(id, 'succeeded');
    const order = worker.simulator.log().map(({ extraData }) => JSON.stringify(extraData));
    const placeOf = (id: string): number => order.findIndex((mark) => mark.includes(id));
    expect(placeOf(jobId)).toBeLessThan(placeOf(waiting));
    expect(worker.runsOf(waiting)).toBe(1);
  });

  it('is called back when an operator put it behind another, although nobody rang', async () => {
    worker.serviceMs = 300;
    const { jobIds } = await queueTestJobs(worker.db, 2, 'mei', { workflowText });
    void worker.begin(await worker.depsOf());
    const { waiting } = await untilTwo();
    const { jobId } = await worker.queueOne({}, 'ana');
    await setJobPriority(worker.db, { actor: 'test', target: { jobId: waiting }, priority: -1 });
    await worker.untilState(waiting, 'queued');
    release();
    for (const id of [...jobIds, jobId]) await worker.untilState(id, 'succeeded');
    const order = worker.simulator.log().map(({ extraData }) => JSON.stringify(extraData));
    const placeOf = (id: string): number => order.findIndex((mark) => mark.includes(id));
    expect(placeOf(jobId)).toBeLessThan(placeOf(waiting));
    expect(worker.runsOf(waiting)).toBe(1);
  });

  it('is cancelled without touching what runs', async () => {
    worker.serviceMs = 300;
    const board = createCancelBoard();
    await queueTestJobs(worker.db, 1, 'mei', { workflowText });
    await queueTestJobs(worker.db, 1, 'mei', { workflowText });
    void worker.begin(await worker.depsOf({ cancelSignal: (jobId) => board.signalOf(jobId) }));
    const { running, waiting } = await untilTwo();
    await cancelRequest(worker.db, (await readJob(worker.db, waiting))?.requestId ?? '');
    board.request(waiting);
    await worker.untilState(waiting, 'cancelled');
    release();
    await worker.untilState(running, 'succeeded');
    expect(worker.runsOf(waiting)).toBe(0);
  });

  it('does not hold up the cancel of what runs, and runs next', async () => {
    worker.serviceMs = 1_500;
    const board = createCancelBoard();
    await queueTestJobs(worker.db, 1, 'mei', { workflowText });
    await queueTestJobs(worker.db, 1, 'mei', { workflowText });
    void worker.begin(await worker.depsOf({ cancelSignal: (jobId) => board.signalOf(jobId) }));
    const { running, waiting } = await untilTwo();
    worker.serviceMs = 50;
    release();
    await cancelRequest(worker.db, (await readJob(worker.db, running))?.requestId ?? '');
    board.request(running);
    await worker.untilState(running, 'cancelled');
    await worker.untilState(waiting, 'succeeded');
    expect(worker.runsOf(waiting)).toBe(1);
  });

  it('is not blamed when ComfyUI dies: only what was executing is', async () => {
    worker.serviceMs = 250;
    const { jobIds } = await queueTestJobs(worker.db, 2, 'mei', { workflowText });
    void worker.begin(await worker.depsOf());
    const { running, waiting } = await untilTwo();
    await worker.simulator.crash();
    release();
    await worker.simulator.start();
    for (const jobId of jobIds) await worker.untilState(jobId, 'succeeded');
    expect(await readJob(worker.db, running)).toMatchObject({ crashes: 1, attempts: 2 });
    expect(await readJob(worker.db, waiting)).toMatchObject({ crashes: 0, attempts: 1 });
  });
});

describe('prompts of somebody else', () => {
  it('are counted by the worker, and in what people who wait are told', async () => {
    const told = async (): Promise<number | undefined> => {
      const snapshot = await readQueueSnapshot(worker.db);
      return forecastSnapshot(snapshot).get(snapshot.queued[0]?.id ?? '')?.starts?.middle;
    };
    const { store, tenure } = await worker.depsOf();
    await worker.queueOne();
    expect(await told()).toBe(0);
    const ended = new AbortController();
    const onForeign = vi.fn<() => void>();
    const folder = await mkdtemp(join(tmpdir(), 'atelier-link-'));
    const link = createComfyLink({
      client: worker.client,
      socket: worker.socket,
      assets: createFolderAssetStore({ folder, maxBytes: 10_000_000 }),
      log: pino({ level: 'silent' }),
      everyMs: 10,
      publishRegistry: () => Promise.resolve(),
      onChange: () => {},
      onLook: () => {},
      onForeign,
    });
    const looking = link.run(ended.signal);
    worker.simulator.inject({ kind: 'executor-dead' });
    for (let prompt = 0; prompt < 2; prompt += 1) {
      await worker.client.postPrompt({ promptId: randomUUID(), workflow: workflowText });
    }
    await vi.waitFor(() => expect(link.status().foreignPrompts).toBe(2), { timeout: 5_000, interval: 10 });
    ended.abort();
    await looking;
    await rm(folder, { recursive: true });
    const status = { foreignPrompts: 0, ...link.status(), instanceId: 'gpu0', state: 'idle' as const };
    await store.report(tenure.instance, { status });
    expect(onForeign).toHaveBeenCalled();
    expect(await told()).toBe(60);
    release();
  });
});

describe('a worker that takes over', () => {
  it('adopts the prompt that runs and the one that waits, and runs neither again', async () => {
    worker.serviceMs = 300;
    const { jobIds } = await queueTestJobs(worker.db, 2, 'mei', { workflowText });
    const dead = new AbortController();
    const first = await worker.depsOf();
    void worker.begin({ ...first, tenure: { ...first.tenure, signal: dead.signal } }).catch(() => {});
    const { running, waiting } = await untilTwo();
    const promptIds = await Promise.all([running, waiting].map(async (id) => (await readJob(worker.db, id))?.promptId));
    dead.abort(new Error('killed'));
    await lapseTestInstance(worker.db, 'gpu0');
    const instance = await holdTestInstance(worker.db, 'gpu0', 60_000);
    void worker.begin(await worker.depsOf({ tenure: { ...first.tenure, instance } }));
    release();
    for (const jobId of jobIds) await worker.untilState(jobId, 'succeeded');
    expect(await readJob(worker.db, running)).toMatchObject({ attempts: 1, takeovers: 1, promptId: promptIds[0] });
    expect(await readJob(worker.db, waiting)).toMatchObject({ attempts: 1, takeovers: 0, promptId: promptIds[1] });
    expect(jobIds.map(worker.runsOf)).toEqual([1, 1]);
  });
});

describe('an executor that stands still while HTTP answers', () => {
  it('costs a job one more try, and the second time it is not run again', async () => {
    worker.serviceMs = 3_000;
    const timings = { ...testTimings, silenceMs: 120, interruptMs: 60 };
    const stuck = vi.fn<(isStuck: boolean) => void>();
    const { jobId } = await worker.queueOne();
    void worker.begin(await worker.depsOf({ timings, onExecutorStuck: stuck }));
    await worker.untilState(jobId, 'running');
    worker.simulator.inject({ kind: 'executor-dead' });
    const again = await worker.untilState(jobId, 'queued');
    expect(again).toMatchObject({ crashes: 1 });
    // Nothing is posted to an executor that hangs.
    await vi.waitFor(() => expect(stuck).toHaveBeenCalledWith(true));
    await sleep(60);
    expect(await openPrompts()).toBe(1);
    worker.simulator.clearFaults();
    worker.simulator.inject({ kind: 'restart' });
    await worker.untilState(jobId, 'running');
    expect(stuck).toHaveBeenLastCalledWith(false);
    worker.simulator.inject({ kind: 'executor-dead' });
    expect(await worker.untilState(jobId, 'quarantined')).toMatchObject({ error: { code: 'stalled' } });
  });
});
