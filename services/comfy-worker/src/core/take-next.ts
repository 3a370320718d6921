import { randomUUID } from 'node:crypto';
import type { PickRules } from '@atelier/queue/pick-job';
import type { JobRecord } from '@atelier/shared/db/jobs/job-row';
import type { JobPick } from '@atelier/shared/db/jobs/pick-jobs';
import type { QueueSnapshot } from '@atelier/shared/db/jobs/queue-snapshot';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import type { WorkerTimings } from '../config.ts';
import type { JobStore } from '../ports.ts';
import type { PickedJob } from './carry-out-job.ts';
import { chooseJobs, type Choice, type Chooser, type Choices } from './choose-job.ts';
import type { Tenure } from './lease-keeper.ts';
import type { PromptLine } from './prompt-line.ts';
import type { QueueView } from './queue-view.ts';

export interface TakeNextDeps {
  store: Pick<JobStore, 'pick' | 'adopt' | 'read'>;
  queue: QueueView;
  line: Pick<PromptLine, 'has' | 'open' | 'entries' | 'msUntilPick'>;
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
 * Picks the next job, or the next few where they are over in no time. `nothing`: none waits, or Postgres is away;
 * `left_to_others`: what waits cannot run here, or is left to another GPU for a moment.
 */
export async function takeNext(deps: TakeNextDeps): Promise<PickedJob[] | 'nothing' | 'left_to_others'> {
  const { store, queue, tenure, log } = deps;
  let most = Infinity;
  try {
    while (!tenure.signal.aborted && tenure.validForMs() >= deps.timings.postMarginMs) {
      const inHand = new Set(deps.line.entries().map(({ jobId }) => jobId));
      const { snapshot, isFresh } = await queue.look();
      const left = isFresh ? await takeLeftOver(deps, snapshot, inHand) : undefined;
      if (left !== undefined) return [left];
      const { choices, after } = chooseNext(deps, snapshot, most);
      if (choices.length === 0 && !isFresh) {
        queue.forget();
        continue;
      }
      if (choices.length === 0) return snapshot.queued.length > 0 ? 'left_to_others' : 'nothing';
      const jobs = await store.pick(tenure.instance, snapshot.version, choices.map(pickOf));
      if (jobs.length === choices.length) queue.picked(after);
      else if (jobs.length > 0) queue.forget();
      else queue.overtaken();
      // A pick of one waits for a row that is locked just now, where a pick of several leaves it out.
      if (jobs.length === 0) most = 1;
      else return jobs.map((job) => pickedOf(job, choices, log));
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    // Whether a pick was made is not known.
    queue.forget();
    log.debug({ err: error }, 'Postgres is away; picking again later');
  }
  return 'nothing';
}

/** The fair choice, and what follows it as long as the line has room for more. */
function chooseNext(deps: TakeNextDeps, snapshot: QueueSnapshot, most: number): Choices {
  const hasRoom = (choices: readonly Choice[]): boolean =>
    choices.length < most && deps.line.msUntilPick(choices.map(expectedMsOf)) === 0;
  return chooseJobs(snapshot, chooserOf(deps, deps.line.open().length > 0), deps.rules, hasRoom);
}

/** What jobs of its kind took so far; absent while none was measured. */
function expectedMsOf(choice: Choice): number | undefined {
  return choice.isMeasured ? choice.expectedGpuSeconds * 1_000 : undefined;
}

function pickOf({ pick, expectedGpuSeconds }: Choice): JobPick {
  const { job, floorGpuSeconds } = pick;
  return { jobId: job.id, floorGpuSeconds, chargeGpuSeconds: expectedGpuSeconds, promptId: randomUUID() };
}

function pickedOf(job: JobRecord, choices: readonly Choice[], log: Logger): PickedJob {
  const choice = choices.find(({ pick }) => pick.job.id === job.id);
  log.debug({ job_id: job.id, request_id: job.requestId, reason: choice?.pick.reason }, 'picked');
  return { job, unsent: true, expectedMs: choice === undefined ? undefined : expectedMsOf(choice) };
}

/** Our GPU, for the scheduler. */
export function chooserOf({ tenure, classes, models }: TakeNextDeps, isBusy: boolean): Chooser {
  return { instanceId: tenure.instance.instanceId, classes: classes(), models: models(), isBusy };
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
