import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { FuzzOrder, FuzzReport, FuzzWorkerData } from './fuzz-worker.ts';

export interface FuzzOptions {
  /** Wall time for all targets together; at most two thirds of it go to the inputs of 100 MB. */
  seconds: number;
  seed: number;
  /** Whether to run the inputs of 100 MB first. */
  giants: boolean;
  /** Longest time for one case: of the processor, so that a busy machine changes nothing; ten times that by the clock. */
  caseLimitMs: number;
  /** Heap of the thread that parses, in MiB: a case that needs more fails. */
  maxHeapMebibytes: number;
  /** Only this target, and of it only this case. */
  only?: { target: string; case?: number };
  onProgress?: (line: string) => void;
}

export interface FuzzFailure {
  target: string;
  case: number;
  message: string;
}

export interface FuzzCounts {
  target: string;
  /** Inputs that gave a result, and those that were refused with a ComfyError. */
  results: number;
  refusals: number;
  /** Inputs of 100 MB among them, and how many of these there are. */
  giants: number;
  allGiants: number;
  failures: FuzzFailure[];
}

interface Thread {
  worker: Worker;
  progress: Int32Array;
  /** Giants by target. */
  giants: Readonly<Record<string, number>>;
}

/** More failures of one target would only repeat the first ones. */
const maxFailures = 3;
const sliceMs = 250;

/** Runs every target in turn, in slices, until the time is over. Same seed, same cases; how many depends on the time. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzCounts[]> {
  let thread = await startThread(options);
  const until = performance.now() + options.seconds * 1_000;
  const only = options.only;
  const names = Object.keys(thread.giants).filter((name) => only === undefined || name === only.target);
  const counts = names.map((target): FuzzCounts => ({
    target,
    results: 0,
    refusals: 0,
    giants: 0,
    allGiants: thread.giants[target] ?? 0,
    failures: [],
  }));
  const nextCases = new Map<string, number>();

  async function slice(counted: FuzzCounts, order: Omit<FuzzOrder, 'target' | 'seed'>): Promise<void> {
    const { target } = counted;
    const outcome = await runSlice(thread, { ...order, target, seed: options.seed }, options.caseLimitMs);
    if ('ended' in outcome) {
      await thread.worker.terminate();
      thread = await startThread(options);
      counted.failures.push({ target, case: outcome.case, message: outcome.ended });
      nextCases.set(target, outcome.case + 1);
      return;
    }
    counted.results += outcome.results;
    counted.refusals += outcome.refusals;
    nextCases.set(target, outcome.nextCase);
    if (outcome.failure !== undefined) counted.failures.push({ target, ...outcome.failure });
  }

  /** In turn, so that each target has run some when their time is over. */
  async function runGiants(): Promise<void> {
    if (!options.giants || only?.case !== undefined) return;
    const end = performance.now() + (options.seconds * 1_000 * 2) / 3;
    for (let number = 0; number < Math.max(...Object.values(thread.giants)); number += 1) {
      for (const counted of counts) {
        const isGiant = number < (thread.giants[counted.target] ?? 0);
        if (!isGiant || counted.failures.length >= maxFailures || performance.now() > end) continue;
        await slice(counted, { firstCase: number, sliceMs: 0, maxCases: 1 });
        counted.giants += 1;
        options.onProgress?.(progressLine(counts, `${counted.target}, 100 MB inputs`));
      }
    }
    for (const { target } of counts) nextCases.set(target, thread.giants[target] ?? 0);
  }

  /** In turn, a slice each, until the time is over. */
  async function runRandom(): Promise<void> {
    if (only?.case !== undefined) return;
    while (performance.now() < until) {
      const open = counts.filter(({ failures }) => failures.length < maxFailures);
      if (open.length === 0) return;
      for (const counted of open) {
        const left = until - performance.now();
        const firstCase = nextCases.get(counted.target) ?? 0;
        await slice(counted, {
          firstCase,
          sliceMs: Math.max(0, Math.min(sliceMs, left / open.length)),
          maxCases: Number.MAX_SAFE_INTEGER,
        });
        options.onProgress?.(progressLine(counts, counted.target));
      }
    }
  }

  try {
    for (const counted of counts)
      nextCases.set(counted.target, options.giants ? 0 : (thread.giants[counted.target] ?? 0));
    if (only?.case !== undefined) {
      for (const counted of counts) await slice(counted, { firstCase: only.case, sliceMs: 0, maxCases: 1 });
    }
    await runGiants();
    await runRandom();
  } finally {
    await thread.worker.terminate();
  }
  return counts;
}

async function startThread({ maxHeapMebibytes }: FuzzOptions): Promise<Thread> {
  const progress = new SharedArrayBuffer(8);
  const workerData: FuzzWorkerData = { progress };
  const worker = new Worker(new URL('./fuzz-worker.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMebibytes },
  });
  const [ready] = (await once(worker, 'message')) as [Pick<Thread, 'giants'>];
  return { worker, progress: new Int32Array(progress), giants: ready.giants };
}

/** Gives the report of a slice, or why the thread ended or has to be ended, and at which case. */
async function runSlice(
  { worker, progress }: Thread,
  order: FuzzOrder,
  caseLimitMs: number,
): Promise<FuzzReport | { ended: string; case: number }> {
  let watch: NodeJS.Timeout | undefined;
  const over = new AbortController();
  try {
    worker.postMessage(order, []);
    return await Promise.race([
      once(worker, 'message', { signal: over.signal }).then(([report]) => report as FuzzReport),
      // Without a listener of its own, an error of the thread would end this process.
      once(worker, 'exit', { signal: over.signal }).then(() => ended('the thread ended')),
      new Promise<never>((_, reject) => {
        worker.once('error', reject);
        over.signal.addEventListener('abort', () => worker.off('error', reject));
      }),
      new Promise<{ ended: string; case: number }>((resolve) => {
        let seen = Atomics.load(progress, 1);
        let since = { wall: performance.now(), cpu: process.cpuUsage() };
        watch = setInterval(() => {
          const now = Atomics.load(progress, 1);
          if (now !== seen) {
            seen = now;
            since = { wall: performance.now(), cpu: process.cpuUsage() };
            return;
          }
          const { user, system } = process.cpuUsage(since.cpu);
          const isLate = (user + system) / 1_000 > caseLimitMs || performance.now() - since.wall > 10 * caseLimitMs;
          if (isLate) resolve(ended(`it took longer than ${caseLimitMs} ms`));
        }, 50);
      }),
    ]);
  } catch (error) {
    return ended(error instanceof Error ? error.message : String(error));
  } finally {
    clearInterval(watch);
    over.abort();
  }

  function ended(why: string): { ended: string; case: number } {
    return { ended: why, case: Atomics.load(progress, 0) };
  }
}

function progressLine(counts: readonly FuzzCounts[], now: string): string {
  const cases = counts.reduce((sum, { results, refusals }) => sum + results + refusals, 0);
  const failures = counts.reduce((sum, counted) => sum + counted.failures.length, 0);
  return `${cases} cases, ${failures} failures, now ${now}`;
}
