import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { pino } from 'pino';
import { startPlatform, type PlatformServers } from '../support/platform.ts';
import { benchOtherQueues, type OtherQueues } from './bench-worker-queues.ts';
import { benchSdkPool, type SdkPoolRun } from './bench-worker-sdk.ts';
import { describeTransitions, type Transitions } from './describe-transitions.ts';
import { formatDistribution } from './distribution.ts';
import { forkSimulator, type ForkedSimulator } from './fork-simulator.ts';
import { residentMegabytes } from './resident-memory.ts';

/** One worker on one simulated ComfyUI, from a full queue to an empty one. */
export interface WorkerRun extends Transitions {
  jobs: number;
  jobsPerSecond: number;
  /** Statements that Postgres committed, divided by the jobs, all that run beside included: heartbeats, relay, sweeps. */
  statementsPerJob: number;
  /** The same without what a worker that has nothing to do commits in that time. */
  statementsOfJob: number;
  residentMegabytes: number;
}

export interface WorkerResult {
  /** Prompts of 200 ms. */
  depth1: WorkerRun;
  depth2: WorkerRun;
  /** Prompts that take no time and put out a word. */
  empty: WorkerRun;
  /** The same, and each puts out a little picture, which is fetched, measured, and stored with a thumbnail. */
  picture: WorkerRun;
  /** The same Postgres: fetch and complete an empty job. Nothing is posted, followed or stored. */
  queues: OtherQueues;
  /** The same simulator under the pool of `@saintno/comfyui-sdk`: nothing is durable. */
  sdkPool: { slow: SdkPoolRun | undefined; empty: SdkPoolRun | undefined };
}

export interface WorkerBenchSize {
  /** Prompts of 200 ms at each depth. */
  slowJobs: number;
  emptyJobs: number;
  pictureJobs: number;
  queueJobs: number;
}

export const fullSize: WorkerBenchSize = { slowJobs: 150, emptyJobs: 1_500, pictureJobs: 300, queueJobs: 2_000 };
export const quickSize: WorkerBenchSize = { slowJobs: 25, emptyJobs: 300, pictureJobs: 60, queueJobs: 300 };

const slowMs = 200;
const jobsPerPerson = 25;

const pictureWorkflow = (seed: number): string =>
  JSON.stringify({
    '1': { class_type: 'EmptyImage', inputs: { width: 64, height: 64, batch_size: 1, color: seed } },
    '2': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: 'bench' } },
  });

const wordWorkflow = (seed: number): string =>
  JSON.stringify({
    '1': { class_type: 'PrimitiveString', inputs: { value: `bench ${seed % 10}` } },
    '2': { class_type: 'PreviewAny', inputs: { source: ['1', 0] } },
  });

/** Measures the worker alone: jobs are queued as the agent queues them, and nobody reads the results. */
export async function benchWorker(
  servers: PlatformServers,
  size: WorkerBenchSize,
  say: (line: string) => void,
): Promise<WorkerResult> {
  const run = (what: string, options: Omit<RunOptions, 'servers'>): Promise<WorkerRun> => {
    say(what);
    return benchRun({ ...options, servers });
  };
  const depth1 = await run('200 ms jobs, depth 1', { ...slow(1), jobs: size.slowJobs });
  const depth2 = await run('200 ms jobs, depth 2', { ...slow(2), jobs: size.slowJobs });
  const empty = await run('empty jobs', { serviceMs: 0, depth: 2, workflow: wordWorkflow, jobs: size.emptyJobs });
  const picture = await run('pictures', { serviceMs: 0, depth: 2, workflow: pictureWorkflow, jobs: size.pictureJobs });
  say('pg-boss and graphile-worker');
  const queues = await benchOtherQueues(servers.databaseUrl, size.queueJobs);
  say('@saintno/comfyui-sdk');
  const sdkPool = {
    slow: await withSimulator(slowMs, (simulator) => peer(benchSdkPool(simulator, pictureWorkflow, size.slowJobs))),
    empty: await withSimulator(0, (simulator) => peer(benchSdkPool(simulator, wordWorkflow, size.pictureJobs))),
  };
  return { depth1, depth2, empty, picture, queues, sdkPool };
}

/** What becomes of a peer must not cost us our own figures. */
async function peer(run: Promise<SdkPoolRun>): Promise<SdkPoolRun | undefined> {
  return run.catch(() => undefined);
}

const slow = (depth: number) => ({ serviceMs: slowMs, depth, workflow: pictureWorkflow });

interface RunOptions {
  servers: PlatformServers;
  serviceMs: number;
  depth: number;
  workflow: (seed: number) => string;
  jobs: number;
}

async function withSimulator<T>(serviceMs: number, use: (simulator: ForkedSimulator) => Promise<T>): Promise<T> {
  const simulator = await forkSimulator(serviceMs);
  try {
    return await use(simulator);
  } finally {
    await simulator.stop();
  }
}

async function benchRun(options: RunOptions): Promise<WorkerRun> {
  return withSimulator(options.serviceMs, async (simulator) => {
    const instance = `bench-${randomUUID().slice(0, 8)}`;
    const platform = await startPlatform({
      servers: options.servers,
      comfyuiUrl: simulator.url,
      services: ['comfy-worker'],
      timeScale: 1,
      logLevel: 'info',
      env: { ATELIER_WORKER_DEPTH: String(options.depth), WORKER_INSTANCE: instance },
    });
    const db = createDatabase({
      url: options.servers.databaseUrl,
      poolSize: 2,
      applicationName: 'bench',
      log: pino({ level: 'silent' }),
    });
    try {
      // Paused until all jobs wait, so that what is measured is a full queue.
      await until(db, async () => {
        const rows = await db.sql`
          update instances set paused = true where id = ${instance} and registry_hash is not null returning id`;
        return rows.length > 0;
      });
      await sleep(pauseHeardMs);
      await queueJobs(db, options, instance);
      // What runs beside, and these looks themselves, are counted while nothing else happens.
      const idleFrom = await statements(db);
      await sleep(idleMs);
      const before = await statements(db);
      const idlePerMs = (before.commits - idleFrom.commits) / (before.atMs - idleFrom.atMs);
      await db.sql`update instances set paused = false where id = ${instance}`;
      let looks = 0;
      await until(db, async () => {
        looks += 1;
        const [row] = await db.sql`select count(*)::int as open from jobs where finished_at is null`;
        return row?.['open'] === 0;
      });
      const after = await statements(db);
      const [span] = await db.sql`
        select extract(epoch from max(finished_at) - min(posted_at))::float8 as seconds,
          count(*) filter (where state = 'succeeded')::int as succeeded
        from jobs where instance_id = ${instance}`;
      if (span?.['succeeded'] !== options.jobs) throw new Error(`${String(span?.['succeeded'])} jobs succeeded`);
      return {
        jobs: options.jobs,
        jobsPerSecond: options.jobs / Number(span['seconds']),
        statementsPerJob: (after.commits - before.commits - looks) / options.jobs,
        statementsOfJob:
          (after.commits - before.commits - looks - idlePerMs * (after.atMs - before.atMs)) / options.jobs,
        residentMegabytes: residentMegabytes(platform.service('comfy-worker').pid),
        ...describeTransitions(await simulator.runs()),
      };
    } finally {
      await db.close();
      await platform.stop();
    }
  });
}

/** A pause set in the row is heard with the next heartbeat. */
const pauseHeardMs = 1_500;
const lookMs = 250;
const longestMs = 120_000;

async function until(db: Database, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + longestMs;
  while (!(await holds())) {
    if (performance.now() > deadline) {
      const rows = await db.sql`select state, count(*)::int as jobs, min(error->>'code') as error from jobs group by 1`;
      throw new Error(`the bench does not get on: ${JSON.stringify(rows)}`);
    }
    await sleep(lookMs);
  }
}

async function queueJobs(db: Database, { jobs, workflow }: RunOptions, instance: string): Promise<void> {
  for (let queued = 0; queued < jobs; queued += jobsPerPerson) {
    const count = Math.min(jobsPerPerson, jobs - queued);
    const person = `${instance}-${queued / jobsPerPerson}`;
    const { jobIds } = await queueTestJobs(db, count, person, {
      workflowText: workflow(queued),
      classes: [],
      estimateKey: instance,
      timeLimitSeconds: 60,
    });
    // One statement a person would need a workflow each; the seed makes them differ.
    for (const [index, id] of jobIds.entries()) {
      await db.sql`update jobs set workflow_text = ${workflow(queued + index)} where id = ${id}`;
    }
  }
}

const idleMs = 4_000;

async function statements(db: Database): Promise<{ commits: number; atMs: number }> {
  // Backends hand their counts in at most once a second.
  await sleep(1_200);
  const [row] = await db.sql`
    select xact_commit::float8 as commits from pg_stat_database where datname = current_database()`;
  return { commits: Number(row?.['commits']), atMs: performance.now() };
}

const goals = { waited: 0.999, gapP50Ms: 2, gapP99Ms: 50, jobsPerSecond: 250, statementsPerJob: 5 };

/** The result as lines, each with its goal. */
export function formatWorker(result: WorkerResult): string[] {
  const { depth1, depth2, empty, picture, queues, sdkPool } = result;
  const met = (value: boolean): string => (value ? 'met' : 'missed');
  const rate = (perSecond: number): string => `${perSecond.toFixed(1)} jobs/s`;
  const runLine = (name: string, run: WorkerRun): string =>
    `${name.padEnd(24)} ${rate(run.jobsPerSecond).padStart(13)}, ${run.statementsOfJob.toFixed(1)} statements a job (${run.statementsPerJob.toFixed(1)} with heartbeats, relay and sweeps), ${run.residentMegabytes.toFixed(0)} MB (n = ${run.jobs})`;
  const gapLine = (name: string, run: Transitions): string =>
    `    GPU idle between two, ${name}: ${formatDistribution(run.gapMs, 'ms')}; next one waited: ${(run.waited * 100).toFixed(2)} %`;
  return [
    runLine('200 ms jobs, depth 1', depth1),
    gapLine('depth 1', depth1),
    runLine('200 ms jobs, depth 2', depth2),
    gapLine('depth 2', depth2),
    `    goals: p50 ≤ ${goals.gapP50Ms} ms ${met(depth2.gapMs.p50 <= goals.gapP50Ms)}, p99 ≤ ${goals.gapP99Ms} ms ${met(depth2.gapMs.p99 <= goals.gapP99Ms)}, waited ≥ ${goals.waited * 100} % ${met(depth2.waited >= goals.waited)}, ≤ ${goals.statementsPerJob} statements ${met(depth2.statementsOfJob <= goals.statementsPerJob)}`,
    sdkPool.slow === undefined
      ? '    the pool of @saintno/comfyui-sdk    did not finish'
      : gapLine('the pool of @saintno/comfyui-sdk', sdkPool.slow),
    runLine('empty jobs, depth 2', empty),
    gapLine('empty jobs', empty),
    `    goal: ≥ ${goals.jobsPerSecond} jobs/s ${met(empty.jobsPerSecond >= goals.jobsPerSecond)}`,
    runLine('a picture each', picture),
    `beside it, empty jobs on the same servers:`,
    `    pg-boss (fetch, complete)           ${rate(queues.pgBoss)}`,
    `    graphile-worker (fetch, complete)   ${rate(queues.graphileWorker)}`,
    `    pool of @saintno/comfyui-sdk        ${sdkPool.empty === undefined ? 'did not finish' : `${rate(sdkPool.empty.jobsPerSecond)}, nothing durable`}`,
  ];
}
