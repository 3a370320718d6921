import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import { AppError } from '@atelier/shared/errors/app-error';
import { carryOutJob, type PickedJob } from './carry-out-job.ts';
import { chooseJob } from './choose-job.ts';
import type { RunJobDeps } from './held-job.ts';
import { overtakes } from './overtakes.ts';
import type { LineEntry } from './prompt-line.ts';
import { createQueueView } from './queue-view.ts';
import { watchExecutor } from './stray-prompts.ts';
import { chooserOf, takeNext, type TakeNextDeps } from './take-next.ts';
import type { WakeBell } from './wake-bell.ts';

export interface WorkLoopDeps extends Omit<RunJobDeps, 'onStuck'>, Pick<TakeNextDeps, 'rules' | 'classes' | 'models'> {
  /** ComfyUI answers and may be given work. */
  available: () => boolean;
  paused: () => boolean;
  /** Whether more than the line has changed since this was last asked: the queue rang, a pause was lifted, ComfyUI came back. */
  takeNews: () => boolean;
  /** Rings when something may have changed: a job queued, a pause lifted, ComfyUI back, the line moved. */
  bell: WakeBell;
  /** The signal that a cancel of this job is wanted. */
  cancelSignal: (jobId: string) => AbortSignal;
  /** This job has left our hands. */
  onJobEnded: (jobId: string) => void;
  /** ComfyUI's executor hangs on a prompt that heeds no interrupt, or no longer. */
  onExecutorStuck: (stuck: boolean) => void;
}

/** Jobs whose outputs are still being stored; beyond, the GPU waits for the store rather than fill the memory. */
const maxStoring = 8;
/** How long one reading of the queue serves picks, as long as nobody tells of a change. */
const pickViewMs = 500;
const outdatedViewMs = 100;
const unmeasuredViewMs = 100;
/** Before jobs that were left to an idle GPU are looked at again. */
const leftToOthersMs = 1_000;
/** Between two looks for a job that goes before the one that waits in ComfyUI. */
const overtakeLookMs = 1_000;

/**
 * One worker's whole work under one lease: first the jobs that an earlier holder left, then one pick after another. While a
 * job runs the next one is picked, prepared and, late, posted behind it; outputs of the one before are stored meanwhile.
 *
 * @param draining fires when no new job shall be taken: what waits goes back to the queue. Resolves once the rest has ended.
 */
export async function workLoop(deps: WorkLoopDeps, draining: AbortSignal): Promise<void> {
  const { store, line, bell, log } = deps;
  const { sweepMs } = deps.timings;
  const tasks = new Set<Promise<void>>();
  const ended = new AbortController();
  const broken = new AbortController();
  const { signal } = deps.tenure;
  const tenure = { ...deps.tenure, signal: AbortSignal.any([signal, broken.signal]) };
  let failure: { error: unknown } | undefined;
  let calledBackDuring: string | undefined;
  /** Since the last look for something to pick, and since the last one for something that goes first. */
  let news = { pick: true, overtake: false };
  let nothingUntil = -Infinity;
  let lookedAt = -Infinity;
  /** When the queue was last read by a look for either. */
  let seenAt = -Infinity;

  const queue = createQueueView({
    read: store.snapshot,
    maxAgeMs: pickViewMs,
    maxAgeOutdatedMs: outdatedViewMs,
    maxAgeUnmeasuredMs: unmeasuredViewMs,
    now: () => performance.now(),
  });
  const pickDeps: TakeNextDeps = { ...deps, queue, tenure };
  const executor = watchExecutor({
    ...deps,
    onChange(stuck) {
      deps.onExecutorStuck(stuck);
      bell.ring();
    },
  });
  const jobDeps: RunJobDeps = { ...deps, tenure, onStuck: executor.suspect };

  function breakOff(error: unknown): void {
    failure ??= { error };
    broken.abort();
    bell.ring();
  }

  function begin(picked: PickedJob): void {
    const { id } = picked.job;
    const task = carryOutJob(jobDeps, picked, deps.cancelSignal(id))
      .catch((error: unknown) => {
        // The row stays bound to us, and the next look finds it.
        if (error instanceof AppError && error.code === 'unavailable') return;
        breakOff(error);
      })
      .finally(() => {
        tasks.delete(task);
        // Where the answer to giving it back was lost, it may be in our hands anew by now.
        if (!line.has(id)) deps.onJobEnded(id);
        bell.ring();
      });
    tasks.add(task);
  }

  function recallWaiting(reason: 'paused' | 'draining' | 'stuck'): void {
    for (const entry of line.open()) if (entry.place !== 'running') entry.recall(reason);
  }

  /** What is ready in vain goes back, for other GPUs and in its turn: ComfyUI is away, or runs take longer than was thought. */
  function recallPrepared(): void {
    const isPrepared = (entry: LineEntry): boolean => entry.place === 'preparing' && line.msUntilPost(entry) > 0;
    const away = deps.available() ? [] : line.open().filter(isPrepared);
    for (const entry of away) if (overtakes.mayCallBack(entry)) entry.recall('away');
    for (const entry of line.tooMany()) if (overtakes.mayCallBack(entry)) entry.recall('late');
  }

  /** The job that waits in ComfyUI and may still be called back: at most one while a job runs. */
  function recallable(): LineEntry | undefined {
    const [running, waiting] = line.open();
    if (running === undefined || waiting === undefined || calledBackDuring === running.jobId) return undefined;
    if (waiting.place === 'running' || waiting.recalled.aborted) return undefined;
    return overtakes.mayCallBack(waiting) ? waiting : undefined;
  }

  /** Takes back what waits in ComfyUI when something goes before it. @returns how long until it is worth another look. */
  async function recallOvertaken(): Promise<number> {
    const waiting = recallable();
    if (waiting === undefined) return Infinity;
    // Nobody may have told of it: NATS is away, or the one that waits was put behind others.
    const dueAt = news.overtake ? lookedAt + overtakeLookMs : seenAt + sweepMs;
    if (dueAt > performance.now()) return dueAt - performance.now();
    lookedAt = performance.now();
    seenAt = lookedAt;
    const snapshot = await whenPostgresAnswers(store.snapshot());
    if (snapshot === undefined) return overtakeLookMs;
    news.overtake = false;
    const chosen = chooseJob(snapshot, chooserOf(pickDeps, true), deps.rules);
    const reason = overtakes.reason(snapshot, waiting.jobId, chosen?.pick.job.id);
    if (reason !== undefined) {
      calledBackDuring = line.open()[0]?.jobId;
      waiting.recall(reason);
    }
    return sweepMs;
  }

  /** Does what can be done now. @returns how long nothing else can be, unless the bell rings. */
  async function step(): Promise<number> {
    if (executor.isStuck) recallWaiting('stuck');
    else if (deps.paused()) recallWaiting('paused');
    recallPrepared();
    if (executor.isStuck || deps.paused() || !deps.available()) return Infinity;
    if (line.entries().length - line.open().length >= maxStoring) return Infinity;
    if (deps.takeNews()) {
      news = { pick: true, overtake: true };
      queue.outdate();
    }
    const waitMs = line.msUntilPick();
    if (waitMs > 0) return Math.min(waitMs, await recallOvertaken());
    const restMs = nothingUntil - performance.now();
    if (!news.pick && restMs > 0) return restMs;
    news.pick = false;
    const next = await takeNext(pickDeps);
    if (next === 'nothing' || next === 'left_to_others') {
      const soon = next === 'left_to_others' && line.open().length > 0;
      nothingUntil = performance.now() + (soon ? Math.min(leftToOthersMs, sweepMs) : sweepMs);
      return nothingUntil - performance.now();
    }
    nothingUntil = -Infinity;
    seenAt = performance.now();
    for (const picked of next) begin(picked);
    return 0;
  }

  const adopted: JobRecord[] = await store.adopt(tenure.instance);
  if (adopted.length > 0) log.info({ jobs: adopted.length }, 'adopted the jobs of the worker before');
  for (const job of adopted) begin({ job, unsent: false, expectedMs: undefined });
  const watching = executor.watch(AbortSignal.any([tenure.signal, ended.signal])).catch((error: unknown) => {
    if (!tenure.signal.aborted && !ended.signal.aborted) breakOff(error);
  });
  try {
    while (!tenure.signal.aborted && !draining.aborted) {
      // What came before the look is in what the look sees; what comes after it rings again.
      bell.clear();
      const waitMs = await step();
      if (waitMs > 0) await bell.wait(Math.min(waitMs, sweepMs), [tenure.signal, draining]);
    }
    if (draining.aborted) recallWaiting('draining');
  } finally {
    await Promise.all(tasks);
    ended.abort();
    await watching;
  }
  if (failure !== undefined && !signal.aborted) throw failure.error;
}

async function whenPostgresAnswers<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    return undefined;
  }
}
