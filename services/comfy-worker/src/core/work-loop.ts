import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { look } from '@atelier/comfyui/client/look';
import { interruptPrompt } from '@atelier/comfyui/client/interrupt-prompt';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { PickRules } from '@atelier/queue/pick-job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { AppError } from '@atelier/shared/errors/app-error';
import { chooseJob } from './choose-job.ts';
import { jobErrors } from './explain-failure.ts';
import { LeaseLostError, runJob, type RunJobDeps } from './run-job.ts';
import type { WakeBell } from './wake-bell.ts';

export interface WorkLoopDeps extends Omit<RunJobDeps, 'onStuck'> {
  rules: PickRules;
  /** Node classes that this ComfyUI has. */
  classes: () => ReadonlySet<string>;
  /** ComfyUI answers and may be given work. */
  available: () => boolean;
  paused: () => boolean;
  /** Rings when something may have changed: a job queued, a pause lifted, ComfyUI back. */
  bell: WakeBell;
  /** The signal that a cancel of this job is wanted. */
  cancelSignal: (jobId: string) => AbortSignal;
  onJob: (job: JobRecord | undefined) => void;
}

/**
 * One worker's whole work under one lease: first the jobs that an earlier holder left, then one pick after another.
 *
 * @param draining fires when no new job shall be taken; resolves once the running one has ended.
 */
export async function workLoop(deps: WorkLoopDeps, draining: AbortSignal): Promise<void> {
  const { tenure, store, log } = deps;
  const { signal } = tenure;
  let stuckPromptId: string | undefined;
  const jobDeps = { ...deps, onStuck: (promptId: string) => void (stuckPromptId = promptId) };

  const adopted = await store.adopt(tenure.instance);
  if (adopted.length > 0) log.info({ jobs: adopted.length }, 'adopted the jobs of the worker before');
  stuckPromptId = await removeStrays(deps, adopted);
  for (const job of adopted) await carryOut(jobDeps, job, false);
  let lookedForStraysAt = performance.now();

  while (!signal.aborted && !draining.aborted) {
    if (stuckPromptId !== undefined && (await isRunning(deps, stuckPromptId))) {
      log.error({ prompt_id: stuckPromptId }, 'ComfyUI hangs on an interrupted prompt: restart it');
      await deps.bell.wait(deps.timings.sweepMs, [signal, draining]);
      continue;
    }
    stuckPromptId = undefined;
    // Between two jobs nothing of ours may be in ComfyUI: what is there was posted late by a worker before us.
    if (deps.available() && performance.now() - lookedForStraysAt > deps.timings.sweepMs) {
      const hanging = await removeStrays(deps, []);
      lookedForStraysAt = performance.now();
      if (hanging !== undefined) {
        stuckPromptId = hanging;
        continue;
      }
    }
    const next = deps.available() && !deps.paused() ? await takeNext(deps) : undefined;
    if (next === undefined) await deps.bell.wait(deps.timings.sweepMs, [signal, draining]);
    else await carryOut(jobDeps, next.job, next.fresh);
  }
}

interface NextJob {
  job: JobRecord;
  /** Its POST was surely not sent yet. */
  fresh: boolean;
}

/** Picks the next job, or says that there is none for us now. */
async function takeNext(deps: WorkLoopDeps): Promise<NextJob | undefined> {
  const { store, tenure, log } = deps;
  try {
    for (;;) {
      // An order that came before the look is in what the look sees; one that comes after rings again.
      deps.bell.clear();
      const snapshot = await store.snapshot();
      const left = await takeLeftOver(deps, snapshot);
      if (left !== undefined) return { job: left, fresh: false };
      const choice = chooseJob(
        snapshot,
        { instanceId: tenure.instance.instanceId, classes: deps.classes() },
        deps.rules,
      );
      if (choice === undefined) return undefined;
      const { pick } = choice;
      const queued = snapshot.queued.find((job) => job.id === pick.job.id);
      const needsInputs = queued === undefined || queued.hasInputs;
      const job = await store.pick(tenure.instance, {
        jobId: pick.job.id,
        queueVersion: snapshot.version,
        floorGpuSeconds: pick.floorGpuSeconds,
        chargeGpuSeconds: choice.expectedGpuSeconds,
        ...(needsInputs || tenure.validForMs() < deps.timings.postMarginMs ? {} : { promptId: randomUUID() }),
      });
      if (job !== undefined) {
        log.debug({ job_id: job.id, request_id: job.requestId, reason: pick.reason }, 'picked');
        return { job, fresh: job.state === 'posting' };
      }
      if (tenure.signal.aborted || tenure.validForMs() === 0) return undefined;
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    log.debug({ err: error }, 'Postgres is away; picking again later');
    return undefined;
  }
}

/**
 * A job that is bound to our ComfyUI although none is at hand: we picked it and the answer of Postgres was lost, or we let
 * go of it by mistake. Our own beats keep its leases, so nobody else would ever take it.
 */
async function takeLeftOver(
  { store, tenure, log }: WorkLoopDeps,
  snapshot: QueueSnapshot,
): Promise<JobRecord | undefined> {
  const left = snapshot.active.find((job) => job.instanceId === tenure.instance.instanceId);
  if (left === undefined) return undefined;
  const adopted = await store.adopt(tenure.instance);
  const job = adopted.find(({ id }) => id === left.id) ?? (await store.read(left.id));
  if (job === undefined || job.finishedAt !== null || job.instanceId !== tenure.instance.instanceId) return undefined;
  log.warn({ job_id: job.id, request_id: job.requestId, state: job.state }, 'going on with a job that was left over');
  return job;
}

/** Runs one job until it has ended or its lease is gone, going on from its row whenever a part was away meanwhile. */
async function carryOut(
  deps: RunJobDeps & Pick<WorkLoopDeps, 'cancelSignal' | 'onJob'>,
  first: JobRecord,
  fresh: boolean,
): Promise<void> {
  const { tenure, store, timings } = deps;
  const log = deps.log.child({ request_id: first.requestId, job_id: first.id });
  let job: JobRecord | undefined = first;
  let surelyNotSent = fresh;
  deps.onJob(first);
  try {
    while (job !== undefined && !tenure.signal.aborted) {
      try {
        await runJob(deps, job, surelyNotSent, deps.cancelSignal(job.id));
        return;
      } catch (error) {
        if (tenure.signal.aborted) return;
        // A lease that was lost shows in the row; one that was not must not leave the job to nobody.
        if (!isPassing(error) && !(error instanceof LeaseLostError)) throw error;
        log.warn({ err: error }, 'a part was away; going on with this job as soon as it answers');
        surelyNotSent = false;
        job = await readPatiently(job);
      }
    }
  } catch (error) {
    if (tenure.signal.aborted) return;
    log.error({ err: error }, 'this job met a bug of ours; it fails, the others go on');
    const lease = { jobId: first.id, epoch: first.epoch, instance: tenure.instance };
    await store.fail(lease, { state: 'failed', error: jobErrors.internal(), gpuSeconds: 0 });
  } finally {
    deps.onJob(undefined);
  }

  /** The row as it is now, or undefined when it is not ours to go on with. */
  async function readPatiently(held: JobRecord): Promise<JobRecord | undefined> {
    for (;;) {
      await sleep(timings.retryMs, undefined, { signal: tenure.signal });
      try {
        const row = await store.read(held.id);
        if (row !== undefined && row.epoch === held.epoch && row.finishedAt === null) return row;
        log.info({ state: row?.state }, 'this job has ended, or is in other hands');
        return undefined;
      } catch (error) {
        if (!isPassing(error)) throw error;
      }
    }
  }
}

function isPassing(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'unavailable';
  return error instanceof ComfyError && (error.code === 'unreachable' || error.code === 'malformed');
}

/**
 * Removes prompts that workers before us left in this ComfyUI and that no job stands behind any more: those under our
 * instance's mark whose id is not that of a job we hold.
 *
 * @returns the prompt on which ComfyUI's executor hangs, where an interrupt had no effect.
 */
async function removeStrays(deps: WorkLoopDeps, held: readonly JobRecord[]): Promise<string | undefined> {
  const { client, tenure, timings, log } = deps;
  const wanted = new Set(held.map((job) => job.promptId));
  try {
    const queue = await client.queue({ signal: tenure.signal });
    for (const item of [...queue.pending, ...queue.running]) {
      const mark = item.extraData['atelier'];
      const ours =
        typeof mark === 'object' &&
        mark !== null &&
        !Array.isArray(mark) &&
        mark['instance'] === tenure.instance.instanceId;
      if (!ours || wanted.has(item.promptId)) continue;
      log.warn({ prompt_id: item.promptId }, 'removing a prompt of an earlier worker that no job stands behind');
      await client.deletePending([item.promptId], { signal: tenure.signal });
      const deadlineAtMs = performance.now() + timings.interruptMs;
      const { state } = await interruptPrompt(client, item.promptId, { signal: tenure.signal, deadlineAtMs });
      if (state === 'still-running') return item.promptId;
    }
  } catch (error) {
    if (!(error instanceof ComfyError)) throw error;
    if (!tenure.signal.aborted) log.warn({ err: error }, 'ComfyUI could not be searched for prompts left behind');
  }
  return undefined;
}

async function isRunning(deps: WorkLoopDeps, promptId: string): Promise<boolean> {
  try {
    return (await look(deps.client, promptId, { signal: deps.tenure.signal })).at === 'running';
  } catch (error) {
    // Also what it refuses or garbles says nothing about the prompt.
    if (!(error instanceof ComfyError)) throw error;
    return true;
  }
}
