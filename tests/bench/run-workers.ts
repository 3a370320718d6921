import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createDatabase, type Database } from '@atelier/shared/db/connect-database';
import { queueTestJobs } from '@atelier/shared/db/testing/queue-fixtures';
import { pino } from 'pino';
import { startPlatform, type Platform, type PlatformServers } from '../support/platform.ts';
import { cpuSeconds } from './cpu-seconds.ts';
import { describeTransitions, type Transitions } from './describe-transitions.ts';
import { forkSimulator, type ForkedSimulator } from './fork-simulator.ts';
import { residentMegabytes } from './resident-memory.ts';

/** Workers, each on a simulated ComfyUI of its own, from a full queue to an empty one. */
export interface WorkerRun extends Transitions {
  workers: number;
  jobs: number;
  jobsPerSecond: number;
  /** Statements that Postgres committed, divided by the jobs, all that run beside included: heartbeats, relay, sweeps. */
  statementsPerJob: number;
  /** The same without what workers that have nothing to do commit in that time. */
  statementsOfJob: number;
  /** CPU time of all workers, and of all simulators, divided by the jobs. */
  workerCpuMs: number;
  simulatorCpuMs: number;
  /** Of the largest worker. */
  residentMegabytes: number;
}

export interface WorkerRunOptions {
  servers: PlatformServers;
  /** Each with a simulator. */
  workers?: number;
  /** Of one prompt. */
  serviceMs: number;
  depth: number;
  workflow: (seed: number) => string;
  jobs: number;
  /** Run before, and not counted: a service that has just started is slower for some seconds. */
  warmUpJobs?: number;
}

interface Workplace {
  instance: string;
  simulator: ForkedSimulator;
  platform: Platform;
}

const jobsPerPerson = 25;

/** Measures workers alone: jobs are queued as the agent queues them, and nobody reads the results. */
export async function runWorkers(options: WorkerRunOptions): Promise<WorkerRun> {
  const db = createDatabase({
    url: options.servers.databaseUrl,
    poolSize: 2,
    applicationName: 'bench',
    log: pino({ level: 'silent' }),
  });
  const places: Workplace[] = [];
  try {
    for (let made = 0; made < (options.workers ?? 1); made += 1) places.push(await openWorkplace(options));
    return await runOnce(db, places, options);
  } finally {
    for (const { platform, simulator } of places) {
      await platform.stop();
      await simulator.stop();
    }
    await db.close();
  }
}

async function openWorkplace({ servers, serviceMs, depth }: WorkerRunOptions): Promise<Workplace> {
  const instance = `bench-${randomUUID().slice(0, 8)}`;
  const simulator = await forkSimulator(serviceMs);
  try {
    const platform = await startPlatform({
      servers,
      comfyuiUrl: simulator.url,
      services: ['comfy-worker'],
      timeScale: 1,
      logLevel: 'info',
      env: { ATELIER_WORKER_DEPTH: String(depth), WORKER_INSTANCE: instance },
    });
    return { instance, simulator, platform };
  } catch (error) {
    await simulator.stop();
    throw error;
  }
}

async function runOnce(db: Database, places: readonly Workplace[], options: WorkerRunOptions): Promise<WorkerRun> {
  const instances = places.map(({ instance }) => instance);
  const kind = randomUUID();
  await queueJobs(db, { ...options, jobs: options.warmUpJobs ?? 0 }, kind);
  await until(db, () => areAllDone(db));
  // Paused until all jobs wait, so that what is measured is a full queue.
  await until(db, async () => {
    const rows = await db.sql`
      update instances set paused = true where id = any(${instances}::text[]) and registry_hash is not null returning id`;
    return rows.length === instances.length;
  });
  await sleep(pauseHeardMs);
  await queueJobs(db, options, kind);
  // Agents tell of their jobs at once; here the workers' sweeps do, a part each second, and would be busy with it.
  await until(db, () => isEverythingTold(db));
  // What runs beside, and these looks themselves, are counted while nothing else happens.
  const idleFrom = await statements(db);
  await sleep(idleMs);
  const before = await statements(db);
  const cpuBefore = cpuOf(places);
  const fromMs = Date.now();
  await db.sql`update instances set paused = false where id = any(${instances}::text[])`;
  let looks = 0;
  await until(db, async () => {
    looks += 1;
    return areAllDone(db);
  });
  const cpu = cpuOf(places);
  const residents = places.map(({ platform }) => residentMegabytes(platform.service('comfy-worker').pid));
  const runs = await Promise.all(places.map(({ simulator }) => simulator.runs()));
  const measured = runs.map((all) => all.filter(({ startedAt }) => startedAt >= fromMs));
  const [span] = await db.sql`
    select extract(epoch from max(finished_at) - min(posted_at))::float8 as seconds,
      count(*) filter (where state = 'succeeded')::int as succeeded
    from jobs where estimate_key = ${kind} and posted_at >= to_timestamp(${fromMs / 1_000}::float8)`;
  if (span?.['succeeded'] !== options.jobs) throw new Error(`${String(span?.['succeeded'])} jobs succeeded`);
  // Backends hand in the rest of their counts when they end.
  const ranUntilMs = performance.now();
  for (const { platform } of places) await platform.service('comfy-worker').stop();
  const after = await statements(db);
  const made = after.commits - before.commits - looks;
  const idlePerMs = (before.commits - idleFrom.commits) / (before.atMs - idleFrom.atMs);
  return {
    workers: places.length,
    jobs: options.jobs,
    jobsPerSecond: options.jobs / Number(span['seconds']),
    statementsPerJob: made / options.jobs,
    statementsOfJob: (made - idlePerMs * (ranUntilMs - before.atMs)) / options.jobs,
    workerCpuMs: ((cpu.workers - cpuBefore.workers) * 1_000) / options.jobs,
    simulatorCpuMs: ((cpu.simulators - cpuBefore.simulators) * 1_000) / options.jobs,
    residentMegabytes: Math.max(...residents),
    ...describeTransitions(measured),
  };
}

function cpuOf(places: readonly Workplace[]): { workers: number; simulators: number } {
  const sum = (pids: readonly number[]): number => pids.reduce((total, pid) => total + cpuSeconds(pid), 0);
  return {
    workers: sum(places.map(({ platform }) => platform.service('comfy-worker').pid)),
    simulators: sum(places.map(({ simulator }) => simulator.pid)),
  };
}

/** A pause set in the row is heard with the next heartbeat. */
const pauseHeardMs = 1_500;
const lookMs = 250;
const longestMs = 180_000;

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

async function areAllDone(db: Database): Promise<boolean> {
  const [row] = await db.sql`select count(*)::int as open from jobs where finished_at is null`;
  return row?.['open'] === 0;
}

async function isEverythingTold(db: Database): Promise<boolean> {
  const [row] = await db.sql`select count(*)::int as left from outbox`;
  return row?.['left'] === 0;
}

async function queueJobs(db: Database, { jobs, workflow }: WorkerRunOptions, kind: string): Promise<void> {
  const people = randomUUID();
  for (let queued = 0; queued < jobs; queued += jobsPerPerson) {
    const count = Math.min(jobsPerPerson, jobs - queued);
    const { jobIds } = await queueTestJobs(db, count, `${people}-${queued / jobsPerPerson}`, {
      workflowText: workflow(queued),
      classes: [],
      estimateKey: kind,
      timeLimitSeconds: 60,
    });
    // They are queued with one workflow; the seed makes them differ.
    const own = jobIds.map((id, index) => ({ id, text: workflow(queued + index) }));
    await db.sql`
      update jobs set workflow_text = w->>'text' from jsonb_array_elements(${db.sql.json(own)}) as w
      where id = (w->>'id')::uuid`;
  }
}

const idleMs = 4_000;

async function statements(db: Database): Promise<{ commits: number; atMs: number }> {
  // Backends that are at work hand their counts in at most once a second.
  await sleep(1_200);
  const [row] = await db.sql`
    select xact_commit::float8 as commits from pg_stat_database where datname = current_database()`;
  return { commits: Number(row?.['commits']), atMs: performance.now() };
}
