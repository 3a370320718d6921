import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { JobLease } from '@atelier/shared/db/jobs/job-lease';
import { markStoring } from '@atelier/shared/db/jobs/job-transitions';
import { readJob, readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { pickTestJob, queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { AppError } from '@atelier/shared/errors/app-error';
import { createCancelBoard } from './core/cancel-board.ts';
import type { HeldJob } from './core/held-job.ts';
import type { Tenure } from './core/lease-keeper.ts';
import { LeaseLostError } from './core/lease-lost-error.ts';
import { createPromptLine } from './core/prompt-line.ts';
import { runJob } from './core/run-job.ts';
import type { WorkLoopDeps } from './core/work-loop.ts';
import type { JobStore } from './ports.ts';
import { testTimings, useWorkerFixture, workflowText } from './testing/worker-fixture.ts';

const worker = useWorkerFixture();

/** As if every run so far had taken this long. */
function measuredAs(store: JobStore, gpuSeconds: number): JobStore {
  return {
    ...store,
    async snapshot() {
      const snapshot = await store.snapshot();
      const keys = new Set(snapshot.queued.map(({ estimateKey }) => estimateKey));
      return { ...snapshot, measured: [...keys].map((estimateKey) => ({ estimateKey, gpuSeconds, runs: 50 })) };
    },
  };
}

describe('workLoop', () => {
  it('needs at most five round trips to Postgres a job', async () => {
    const file = { hash: 'a'.repeat(64), mediaType: 'image/png', bytes: 1, nodeId: '2', filename: 'x.png' };
    const deps = await worker.depsOf();
    const outputs: WorkLoopDeps['outputs'] = {
      ...deps.outputs,
      store: (_, index) => Promise.resolve({ index, ...file }),
    };
    const calls: string[] = [];
    const counted = new Proxy(deps.store, {
      get(target, name: keyof JobStore) {
        calls.push(name);
        return target[name];
      },
    });
    const { jobIds } = await queueTestJobs(worker.db, 6, 'mei', { workflowText });
    void worker.begin({ ...deps, outputs, store: counted });
    await worker.untilState(jobIds.at(-1)!, 'succeeded');
    const made = calls.slice(calls.indexOf('snapshot'), calls.lastIndexOf('finish') + 1);
    expect(made.length).toBeLessThanOrEqual(5 * jobIds.length);
    expect(made.filter((name) => name === 'finish')).toHaveLength(jobIds.length);
  });

  it('fails a job whose row it cannot read, leaves those of another version alone, and goes on with the others', async () => {
    const { jobIds } = await queueTestJobs(worker.db, 3, 'mei', { workflowText });
    const [odd, later, last] = jobIds;
    await worker.db.sql`update jobs set inputs = '[{"hologram": true}]' where id = ${odd!}`;
    await worker.db.sql`update jobs set class = 'someday' where id = ${later!}`;
    void worker.begin(await worker.depsOf());
    await worker.untilState(last!, 'succeeded');
    const rows = await worker.db.sql`select id, state, error->>'code' as error from jobs order by seq`;
    expect(rows.map(({ state, error }) => [state, error])).toEqual([
      ['failed', 'unreadable'],
      ['queued', null],
      ['succeeded', null],
    ]);
    // Its request stays open, and the next test starts with an empty queue.
    await worker.db.sql`update jobs set class = 'batch' where id = ${later!}`;
    await worker.untilState(later!, 'succeeded');
  });

  it('goes on with a job whose pick was committed although the answer of Postgres was lost', async () => {
    const deps = await worker.depsOf();
    let lostAnswers = 0;
    const pick: JobStore['pick'] = async (...args) => {
      const picked = await deps.store.pick(...args);
      if (lostAnswers++ === 0) throw new AppError('unavailable', 'the connection was lost');
      return picked;
    };
    const { jobId } = await worker.queueOne();
    void worker.begin({ ...deps, store: { ...deps.store, pick } });
    expect((await worker.untilState(jobId, 'succeeded')).attempts).toBe(1);
  });

  it('comes back to a job when a write was refused although the lease is held', async () => {
    const deps = await worker.depsOf();
    let refused = 0;
    const finish: JobStore['finish'] = (...args) =>
      refused++ === 0 ? Promise.resolve(false) : deps.store.finish(...args);
    const { jobId } = await worker.queueOne();
    void worker.begin({ ...deps, store: { ...deps.store, finish } });
    await worker.untilState(jobId, 'succeeded');
    expect(worker.runsOf(jobId)).toBe(1);
  });

  it('repeats a cancel that could not be carried out because Postgres was away', async () => {
    worker.serviceMs = 60_000;
    const board = createCancelBoard();
    const deps = await worker.depsOf({ cancelSignal: (jobId) => board.signalOf(jobId) });
    let away = 1;
    const withdrawing: JobStore['withdrawing'] = (lease) =>
      away-- > 0 ? Promise.reject(new AppError('unavailable', 'away')) : deps.store.withdrawing(lease);
    // Somebody else's prompt is before ours, so that ours waits in ComfyUI.
    await worker.client.postPrompt({ promptId: randomUUID(), workflow: workflowText });
    const { requestId, jobId } = await worker.queueOne();
    void worker.begin({ ...deps, store: { ...deps.store, withdrawing } });
    await worker.untilState(jobId, 'posted');
    await cancelRequest(worker.db, requestId);
    board.request(jobId);
    expect((await worker.untilState(jobId, 'cancelled')).gpuSeconds).toBe(0);
  });

  it.each([
    { whose: 'its', timeLimitSeconds: 1, changes: {} },
    { whose: 'the operator’s', timeLimitSeconds: 600, changes: { maxRunSeconds: 1 } },
  ])('ends a job at $whose time limit although the executor heeds no interrupt and no socket tells', async (limit) => {
    worker.serviceMs = 60_000;
    const deaf: ComfySocket = { ...worker.socket, state: 'connecting', subscribe: () => () => {} };
    const { jobId } = await worker.queueOne({ timeLimitSeconds: limit.timeLimitSeconds });
    void worker.begin(await worker.depsOf({ socket: deaf, ...limit.changes }));
    await worker.untilState(jobId, 'running');
    worker.simulator.inject({ kind: 'executor-dead' });
    expect((await worker.untilState(jobId, 'failed')).error?.code).toBe('time_limit');
  });

  it('is not held up for ever by a prompt left behind on a hanging executor', async () => {
    worker.serviceMs = 60_000;
    const deps = await worker.depsOf();
    const promptId = randomUUID();
    await worker.client.postPrompt({ promptId, workflow: workflowText, extraData: { atelier: { instance: 'gpu0' } } });
    await vi.waitFor(async () => expect((await worker.client.queue()).running).toHaveLength(1));
    worker.simulator.inject({ kind: 'executor-dead' });
    const errors = vi.fn<() => void>();
    const told = pino({ level: 'error' }, { write: errors });
    const working = worker.begin({ ...deps, log: told });
    await vi.waitFor(() => expect(errors).toHaveBeenCalled(), { timeout: 5_000 });
    worker.draining.abort();
    await working;
  });

  it('gives a job back whose inputs could not be uploaded because ComfyUI went away', async () => {
    let away = 1;
    const uploadInputs = () =>
      away-- > 0 ? Promise.reject(new ComfyError('unreachable', 'gone')) : Promise.resolve(true);
    const { jobId } = await worker.queueOne();
    void worker.begin(await worker.depsOf({ uploadInputs }));
    expect(await worker.untilState(jobId, 'succeeded')).toMatchObject({ attempts: 1, crashes: 0 });
    expect(worker.runsOf(jobId)).toBe(1);
  });

  it('gives back what is prepared behind a running job when ComfyUI goes away', async () => {
    worker.serviceMs = 60_000;
    let answers = true;
    const deps = await worker.depsOf();
    const { bell } = deps;
    const line = createPromptLine({
      depth: 2,
      prepareAheadMs: 60_000,
      postAheadMs: 0,
      now: () => performance.now(),
      onChange: () => bell.ring(),
    });
    const { jobIds } = await queueTestJobs(worker.db, 2, 'mei', { workflowText });
    void worker.begin({ ...deps, line, store: measuredAs(deps.store, 30), available: () => answers });
    await worker.untilState(jobIds[0]!, 'running');
    await worker.untilState(jobIds[1]!, 'posting');
    answers = false;
    bell.ring();
    expect(await worker.untilState(jobIds[1]!, 'queued')).toMatchObject({ instanceId: null, attempts: 0 });
    expect((await readJob(worker.db, jobIds[0]!))?.state).toBe('running');
  });

  it('gives back what stands ready behind a run that takes far longer than its kind did', async () => {
    worker.serviceMs = 60_000;
    const deps = await worker.depsOf();
    await worker.db.sql`update queue_state set floor_gpu_seconds = 0`;
    const { jobIds } = await queueTestJobs(worker.db, 6, 'mei', { workflowText });
    void worker.begin({ ...deps, store: measuredAs(deps.store, 0.008) });
    await vi.waitFor(() => expect(deps.line.open()).toHaveLength(6), { timeout: 5_000, interval: 5 });
    const back = await Promise.all(jobIds.slice(2).map((jobId) => worker.untilState(jobId, 'queued')));
    expect(back.map(({ epoch }) => epoch)).toEqual(back.map(() => 2));
    const [charged] = await worker.db.sql`
      select s.charged_gpu_seconds, (select sum(charged_gpu_seconds) from jobs) as held from fair_shares s`;
    expect(charged?.['chargedGpuSeconds']).toBeCloseTo(0.016, 6);
    expect(charged?.['held']).toBeCloseTo(0.016, 6);
  });

  it('still hears a cancel of a job that it took again while the answer to giving it back was lost', async () => {
    worker.serviceMs = 60_000;
    const board = createCancelBoard();
    let paused = false;
    let lost = 1;
    const deps = await worker.depsOf({
      cancelSignal: (jobId) => board.signalOf(jobId),
      onJobEnded: (jobId) => board.forget(jobId),
      paused: () => paused,
      timings: { ...testTimings, retryMs: 300 },
    });
    const requeue: JobStore['requeue'] = async (...args) => {
      const given = await deps.store.requeue(...args);
      if (lost-- > 0) throw new AppError('unavailable', 'the connection was lost');
      return given;
    };
    // Somebody else's prompt is before ours, so that ours waits in ComfyUI.
    await worker.client.postPrompt({ promptId: randomUUID(), workflow: workflowText });
    const { requestId, jobId } = await worker.queueOne();
    void worker.begin({ ...deps, store: { ...deps.store, requeue } });
    await worker.untilState(jobId, 'posted');
    paused = true;
    deps.bell.ring();
    await worker.untilState(jobId, 'queued');
    paused = false;
    deps.bell.ring();
    await vi.waitFor(() => expect(deps.line.entries()).toHaveLength(2), { interval: 5 });
    await vi.waitFor(() => expect(deps.line.entries()).toHaveLength(1), { interval: 5 });
    await cancelRequest(worker.db, requestId);
    board.request(jobId);
    await worker.untilState(jobId, 'cancelled');
  });

  it('fails a job whose workflow this ComfyUI would refuse, without posting it', async () => {
    const { jobId } = await worker.queueOne();
    const error = { code: 'workflow_refused', message: { en: 'no', zh: 'no' } };
    void worker.begin(await worker.depsOf({ checkWorkflow: () => error }));
    expect((await worker.untilState(jobId, 'failed')).error).toEqual(error);
    expect(worker.runsOf(jobId)).toBe(0);
  });

  it('lives on when ComfyUI refuses to show its queue', async () => {
    const deps = await worker.depsOf();
    let refusals = 0;
    const queue: ComfyClient['queue'] = (options) =>
      refusals++ === 0
        ? Promise.reject(new ComfyError('refused', 'no', { status: 500 }))
        : worker.client.queue(options);
    const { jobId } = await worker.queueOne();
    void worker.begin({ ...deps, client: { ...worker.client, queue } });
    await worker.untilState(jobId, 'succeeded');
    expect(refusals).toBeGreaterThan(0);
  });

  it('fails a job whose file never comes although ComfyUI answers everything else', async () => {
    const { jobId } = await worker.queueOne();
    const store = () => Promise.reject(new ComfyError('unreachable', 'the connection broke'));
    const deps = await worker.depsOf();
    void worker.begin({ ...deps, outputs: { ...deps.outputs, store } });
    expect((await worker.untilState(jobId, 'failed')).error?.code).toBe('output_missing');
  });

  it('stores four files of a job at a time, in their order', async () => {
    const text = workflowText.replace('"batch_size":1', '"batch_size":10');
    const { requestId, jobId } = await worker.queueOne({ workflowText: text });
    const deps = await worker.depsOf();
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
    void worker.begin({ ...deps, outputs: { ...deps.outputs, store } });
    await worker.untilState(jobId, 'succeeded');
    const [job] = await readJobsOfRequests(worker.db, [requestId]);
    expect(job?.outputs.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const names = job?.outputs.map(({ filename }) => filename) ?? [];
    expect(names).toEqual(names.toSorted());
    expect(most).toBe(4);
  });

  it('charges no more than the time limit when the clock of ComfyUI was set while it ran', async () => {
    const { jobId } = await worker.queueOne({ timeLimitSeconds: 30 });
    const job: ComfyClient['job'] = async (promptId, options) => {
      const found = await worker.client.job(promptId, options);
      if (found.at !== 'finished') return found;
      return { at: 'finished', finished: { ...found.finished, startedAtMs: 0, endedAtMs: 10 ** 12 } };
    };
    void worker.begin(await worker.depsOf({ client: { ...worker.client, job } }));
    expect((await worker.untilState(jobId, 'succeeded')).gpuSeconds).toBeCloseTo(30.2);
  });

  it('ends a cancelled job whose files ComfyUI forgot while they were being stored', async () => {
    const { requestId, jobId } = await worker.queueOne();
    const deps = await worker.depsOf();
    const lease = await pickTestJob(worker.db, deps.tenure.instance, jobId);
    await markStoring(worker.db, lease);
    await cancelRequest(worker.db, requestId);
    void worker.begin(deps);
    await worker.untilState(jobId, 'queued');
    await cancelRequest(worker.db, requestId);
    expect((await worker.untilState(jobId, 'cancelled')).gpuSeconds).toBe(0);
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
      const deps = await worker.depsOf();
      const { jobIds } = await queueTestJobs(worker.db, 5, 'mei', { workflowText });
      void worker.begin({ ...deps, store: breaking(deps.store, seed) });
      await vi.waitFor(
        async () => {
          const jobs = await Promise.all(jobIds.map((jobId) => readJob(worker.db, jobId)));
          expect(jobs.map((job) => job?.state)).toEqual(jobIds.map(() => 'succeeded'));
        },
        { timeout: 20_000, interval: 25 },
      );
      expect(jobIds.map(worker.runsOf)).toEqual(jobIds.map(() => 1));
      const [request] = await worker.db.sql`select state, jobs_open, jobs_succeeded from requests`;
      expect(request).toEqual({ state: 'succeeded', jobsOpen: 0, jobsSucceeded: 5 });
    },
    25_000,
  );
});

describe('runJob', () => {
  it('lets go within its time when the lease was lost during the POST and ComfyUI is gone, too', async () => {
    const { jobId } = await worker.queueOne();
    const deps = await worker.depsOf();
    const lease = await pickTestJob(worker.db, deps.tenure.instance, jobId);
    const job = (await readJob(worker.db, jobId))!;
    let posted = false;
    const gone = () => Promise.reject(new ComfyError('unreachable', 'gone'));
    const tenure: Tenure = { ...deps.tenure, validForMs: () => (posted ? 0 : 60_000) };
    const dying: ComfyClient = {
      ...worker.client,
      async postPrompt({ promptId }) {
        posted = true;
        await worker.db.sql`update jobs set prompt_id = ${randomUUID()}, epoch = epoch + 1 where id = ${lease.jobId}`;
        return { state: 'accepted', promptId, number: 1, nodeErrors: {} };
      },
      deletePending: () => Promise.resolve(),
      job: gone,
      queue: gone,
      history: gone,
    };
    const held: HeldJob = {
      job,
      lease,
      entry: deps.line.enter(job, undefined),
      cancel: new AbortController().signal,
      unsent: true,
      arrived: false,
      log: deps.log,
    };
    const running = runJob({ ...deps, tenure, client: dying, onStuck: () => {} }, held);
    await expect(running).rejects.toBeInstanceOf(LeaseLostError);
  });
});

describe('ends that are written together', () => {
  it('cost nobody else when one of them cannot be written, or waits for its row', async () => {
    const { store, tenure } = await worker.depsOf();
    const { jobIds } = await queueTestJobs(worker.db, 5, 'mei', { workflowText });
    const leases: JobLease[] = [];
    for (const jobId of jobIds) leases.push(await pickTestJob(worker.db, tenure.instance, jobId));
    const file = { hash: 'a'.repeat(64), mediaType: 'image/png', bytes: 1, nodeId: '2', filename: 'x.png' };
    const end = (at: number, indexes: number[]): Promise<boolean> => {
      const lease = leases[at];
      if (lease === undefined) throw new Error('there is no such job');
      return store.finish(lease, { outputs: indexes.map((index) => ({ index, ...file })), gpuSeconds: 1 });
    };
    let held: Promise<boolean> = Promise.resolve(false);
    await worker.db.sql.begin(async (transaction) => {
      await transaction`select id from jobs where id = ${jobIds[2] ?? ''} for update`;
      // The first goes alone, and the rest together.
      const first = end(0, [0]);
      held = end(2, [0]);
      const last = end(3, [0]);
      expect(await Promise.all([first, last])).toEqual([true, true]);
    });
    expect(await held).toBe(true);
    const ends = [end(0, [0]), end(4, [0]), end(1, [7, 7])];
    expect(await Promise.allSettled(ends)).toMatchObject([
      { status: 'fulfilled', value: false },
      { status: 'fulfilled', value: true },
      { status: 'rejected', reason: { code: 'internal' } },
    ]);
  });
});
