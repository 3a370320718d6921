import type { PlatformServers } from '../support/platform.ts';
import { benchOtherQueues, type OtherQueues } from './bench-worker-queues.ts';
import { benchSdkPool, type SdkPoolRun } from './bench-worker-sdk.ts';
import type { Transitions } from './describe-transitions.ts';
import { formatDistribution } from './distribution.ts';
import { forkSimulator, type ForkedSimulator } from './fork-simulator.ts';
import { runWorkers, type WorkerRun, type WorkerRunOptions } from './run-workers.ts';

export interface WorkerResult {
  /** Prompts of 200 ms. */
  depth1: WorkerRun;
  depth2: WorkerRun;
  /** Prompts of 100 ms, many: at how many ends the next one waited. */
  transitions: WorkerRun;
  /** Prompts that take no time and put out one of ten words: one worker on one ComfyUI, after some to warm up. */
  empty: WorkerRun;
  /** The same, and several workers share the queue, each on a ComfyUI of its own. */
  emptyShared: WorkerRun;
  /** As `empty`, and each puts out a little picture, which is fetched, measured, and stored with a thumbnail. */
  picture: WorkerRun;
  /** The same Postgres: fetch and complete an empty job. Nothing is posted, followed or stored. */
  queues: OtherQueues;
  /** The same simulator under the pool of `@saintno/comfyui-sdk`: nothing is durable. */
  sdkPool: { slow: SdkPoolRun | undefined; empty: SdkPoolRun | undefined };
}

export interface WorkerBenchSize {
  /** Prompts of 200 ms at each depth. */
  slowJobs: number;
  /** Prompts of 100 ms. */
  transitionJobs: number;
  emptyJobs: number;
  /** Empty ones before those that are counted. */
  warmUpJobs: number;
  pictureJobs: number;
  queueJobs: number;
}

export const fullSize: WorkerBenchSize = {
  slowJobs: 100,
  transitionJobs: 1_020,
  emptyJobs: 2_000,
  warmUpJobs: 500,
  pictureJobs: 300,
  queueJobs: 2_000,
};
export const quickSize: WorkerBenchSize = {
  slowJobs: 25,
  transitionJobs: 100,
  emptyJobs: 500,
  warmUpJobs: 300,
  pictureJobs: 60,
  queueJobs: 300,
};

const slowMs = 200;
const shortMs = 100;
const sharedBy = 2;

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

/** Measures workers alone: jobs are queued as the agent queues them, and nobody reads the results. */
export async function benchWorker(
  servers: PlatformServers,
  size: WorkerBenchSize,
  say: (line: string) => void,
): Promise<WorkerResult> {
  const run = (what: string, options: Omit<WorkerRunOptions, 'servers'>): Promise<WorkerRun> => {
    say(what);
    return runWorkers({ ...options, servers });
  };
  const pictures = { depth: 2, workflow: pictureWorkflow };
  const words = { serviceMs: 0, depth: 2, workflow: wordWorkflow, jobs: size.emptyJobs, warmUpJobs: size.warmUpJobs };
  const slow = { ...pictures, serviceMs: slowMs, jobs: size.slowJobs };
  const depth1 = await run('200 ms jobs, depth 1', { ...slow, depth: 1 });
  const depth2 = await run('200 ms jobs, depth 2', slow);
  const transitions = await run('100 ms jobs', { ...pictures, serviceMs: shortMs, jobs: size.transitionJobs });
  const empty = await run('empty jobs, one worker', words);
  const emptyShared = await run('empty jobs, several workers', { ...words, workers: sharedBy });
  const picture = await run('pictures', { ...pictures, serviceMs: 0, jobs: size.pictureJobs });
  say('pg-boss and graphile-worker');
  const queues = await benchOtherQueues(servers.databaseUrl, size.queueJobs);
  say('@saintno/comfyui-sdk');
  const peerJobs = Math.min(size.slowJobs, size.pictureJobs);
  const sdkPool = {
    slow: await benchPeer(slowMs, pictureWorkflow, peerJobs),
    empty: await benchPeer(0, wordWorkflow, size.pictureJobs),
  };
  return { depth1, depth2, transitions, empty, emptyShared, picture, queues, sdkPool };
}

/** What becomes of a peer must not cost us our own figures. */
async function benchPeer(
  serviceMs: number,
  workflow: (seed: number) => string,
  jobs: number,
): Promise<SdkPoolRun | undefined> {
  const simulator: ForkedSimulator = await forkSimulator(serviceMs);
  try {
    return await benchSdkPool(simulator, workflow, jobs, serviceMs);
  } catch {
    return undefined;
  } finally {
    await simulator.stop();
  }
}

const goals = { waited: 0.999, gapP50Ms: 2, gapP99Ms: 50, jobsPerSecond: 250, statementsPerJob: 5 };

/** The result as lines, each with its goal. */
export function formatWorker(result: WorkerResult): string[] {
  const { depth1, depth2, transitions, empty, emptyShared, picture, queues, sdkPool } = result;
  const met = (value: boolean): string => (value ? 'met' : 'missed');
  const rate = (perSecond: number): string => `${perSecond.toFixed(1)} jobs/s`;
  const runLine = (name: string, run: WorkerRun): string =>
    `${name.padEnd(30)} ${rate(run.jobsPerSecond).padStart(13)}, ${run.statementsOfJob.toFixed(1)} statements a job (${run.statementsPerJob.toFixed(1)} with heartbeats, relay and sweeps), CPU a job: worker ${run.workerCpuMs.toFixed(1)} ms, simulator ${run.simulatorCpuMs.toFixed(1)} ms, ${run.residentMegabytes.toFixed(0)} MB (n = ${run.jobs})`;
  const gapLine = (name: string, run: Transitions): string =>
    `    GPU idle between two, ${name}: ${formatDistribution(run.gapMs, 'ms')}; next one waited: ${(run.waited * 100).toFixed(2)} %`;
  return [
    runLine('200 ms jobs, depth 1', depth1),
    gapLine('depth 1', depth1),
    runLine('200 ms jobs, depth 2', depth2),
    gapLine('depth 2', depth2),
    `    goals: p50 ≤ ${goals.gapP50Ms} ms ${met(depth2.gapMs.p50 <= goals.gapP50Ms)}, p99 ≤ ${goals.gapP99Ms} ms ${met(depth2.gapMs.p99 <= goals.gapP99Ms)}, ≤ ${goals.statementsPerJob} statements ${met(depth2.statementsOfJob <= goals.statementsPerJob)}`,
    sdkPool.slow === undefined
      ? '    the pool of @saintno/comfyui-sdk    did not finish'
      : gapLine('the pool of @saintno/comfyui-sdk', sdkPool.slow),
    runLine('100 ms jobs, depth 2', transitions),
    gapLine('100 ms jobs', transitions),
    `    goal: waited ≥ ${goals.waited * 100} % ${met(transitions.waited >= goals.waited)}`,
    runLine('empty jobs, one worker', empty),
    gapLine('one worker', empty),
    runLine(`empty jobs, ${emptyShared.workers} workers`, emptyShared),
    `    goal on two cores: ≥ ${goals.jobsPerSecond} jobs/s: one worker ${met(empty.jobsPerSecond >= goals.jobsPerSecond)}, ${emptyShared.workers} workers ${met(emptyShared.jobsPerSecond >= goals.jobsPerSecond)}`,
    runLine('a picture each', picture),
    `beside it, empty jobs on the same servers:`,
    `    pg-boss (fetch, complete)           ${rate(queues.pgBoss)}`,
    `    graphile-worker (fetch, complete)   ${rate(queues.graphileWorker)}`,
    `    pool of @saintno/comfyui-sdk        ${sdkPool.empty === undefined ? 'did not finish' : `${rate(sdkPool.empty.jobsPerSecond)}, nothing durable`}`,
  ];
}
