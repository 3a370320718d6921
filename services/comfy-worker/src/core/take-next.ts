import { randomUUID } from 'node:crypto';
import type { PickRules } from '@atelier/queue/pick-job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { WorkerTimings } from '../config.ts';
import type { JobStore } from '../ports.ts';
import type { PickedJob } from './carry-out-job.ts';
import { chooseJob, type Choice } from './choose-job.ts';
import type { Tenure } from './lease-keeper.ts';
import type { PromptLine } from './prompt-line.ts';
import type { QueueView } from './queue-view.ts';

export interface TakeNextDeps {
  store: Pick<JobStore, 'pick' | 'adopt' | 'read'>;
  queue: QueueView;
  line: Pick<PromptLine, 'has' | 'open' | 'entries'>;
  tenure: Tenure;
  timings: Pick<WorkerTimings, 'postMarginMs'>;
  rules: PickRules;
  /** Node classes that this ComfyUI has. */
  classes: () => ReadonlySet<string>;
  /** Model files that its loaders list, as `folder/name`. */
  models: () => ReadonlySet<string>;
  log: Logger;
}

/**
 * Picks the next job. `nothing`: none waits, or Postgres is away; `left_to_others`: what waits cannot run here, or is left to
 * another GPU for a moment.
 */
export async function takeNext(deps: TakeNextDeps): Promise<PickedJob | 'nothing' | 'left_to_others'> {
  const { store, queue, tenure, log } = deps;
  try {
    while (!tenure.signal.aborted && tenure.validForMs() >= deps.timings.postMarginMs) {
      const inHand = new Set(deps.line.entries().map(({ jobId }) => jobId));
      const { snapshot, isFresh } = await queue.look();
      const left = isFresh ? await takeLeftOver(deps, snapshot, inHand) : undefined;
      if (left !== undefined) return left;
      const choice = chooseFrom(deps, snapshot);
      if (choice === undefined && !isFresh) {
        queue.forget();
        continue;
      }
      if (choice === undefined) return snapshot.queued.length > 0 ? 'left_to_others' : 'nothing';
      const { pick } = choice;
      const job = await store.pick(tenure.instance, {
        jobId: pick.job.id,
        queueVersion: snapshot.version,
        floorGpuSeconds: pick.floorGpuSeconds,
        chargeGpuSeconds: choice.expectedGpuSeconds,
        promptId: randomUUID(),
      });
      if (job === undefined) queue.forget();
      else {
        queue.picked(choice);
        log.debug({ job_id: job.id, request_id: job.requestId, reason: pick.reason }, 'picked');
        const expectedMs = choice.isMeasured ? choice.expectedGpuSeconds * 1_000 : undefined;
        return { job, unsent: true, expectedMs };
      }
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    // Whether a pick was made is not known.
    queue.forget();
    log.debug({ err: error }, 'Postgres is away; picking again later');
  }
  return 'nothing';
}

/** The fair choice for our GPU, as of this snapshot. */
export function chooseFrom(deps: TakeNextDeps, snapshot: QueueSnapshot): Choice | undefined {
  const chooser = {
    instanceId: deps.tenure.instance.instanceId,
    classes: deps.classes(),
    models: deps.models(),
    isBusy: deps.line.open().length > 0,
  };
  return chooseJob(snapshot, chooser, deps.rules);
}

/**
 * A job that is bound to our ComfyUI although it is not in our hands: we picked it and the answer of Postgres was lost, or
 * we let go of it by mistake. Our own beats keep its leases, so nobody else would ever take it.
 */
async function takeLeftOver(
  { store, line, tenure, log }: TakeNextDeps,
  snapshot: QueueSnapshot,
  inHand: ReadonlySet<string>,
): Promise<PickedJob | undefined> {
  const { instanceId } = tenure.instance;
  const left = snapshot.active.find((job) => job.instanceId === instanceId && !inHand.has(job.id) && !line.has(job.id));
  if (left === undefined) return undefined;
  const adopted = await store.adopt(tenure.instance);
  const job = adopted.find(({ id }) => id === left.id) ?? (await store.read(left.id));
  if (job === undefined || !isOurs(job, instanceId)) return undefined;
  log.warn({ job_id: job.id, request_id: job.requestId, state: job.state }, 'going on with a job that was left over');
  return { job, unsent: false, expectedMs: undefined };
}

const isOurs = (job: JobRecord, instanceId: string): boolean =>
  job.finishedAt === null && job.instanceId === instanceId;
