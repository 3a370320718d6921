import { UPLOAD_KEEP_MS } from '@atelier/shared/assets/take-in-picture';
import { keepUsedAssets } from '@atelier/shared/db/asset-register';
import { acceptRequest, requestIdOf } from '@atelier/shared/db/requests/accept-request';
import { answerQuestion } from '@atelier/shared/db/requests/ask-question';
import { cancelRequest } from '@atelier/shared/db/requests/cancel-request';
import { readCardRows } from '@atelier/shared/db/requests/read-card-rows';
import { comesOfPrivate } from '@atelier/shared/db/requests/private-sources';
import { readRequest } from '@atelier/shared/db/requests/read-requests';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import type { SubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import { countSubmission } from '@atelier/shared/db/gateway/api-tokens';
import {
  findForeign,
  readOpenRequestIds,
  readPersonRequests,
  readRunningRequestId,
  type PersonRequestsQuery,
} from '@atelier/shared/db/gateway/person-requests';
import { readJobsOfRequests } from '@atelier/shared/db/jobs/read-jobs';
import type { JobView, Waiting } from '../core/jobs/job-view.ts';
import { toJobView, type JobFacts } from '../core/jobs/to-job-view.ts';
import type { Principal } from '../core/principal.ts';
import { guessedGpuSeconds } from '../core/queue/forecast-requests.ts';
import { problem } from '../core/problems/to-problem.ts';
import { checkRules } from '../core/submit/check-rules.ts';
import { createSubmitter, type Submitter } from '../core/submit/create-submitter.ts';
import type { GatewayParts } from '../ports.ts';
import type { LiveBoard } from '@atelier/shared/live/live-board';
import type { QueueWatch } from '../state/queue-watch.ts';
import type { RecentValue } from '../state/recent-value.ts';

/** What every door does with a person's work: ask, look, cancel, answer. Another person's is as if it were not there. */
export interface JobDesk extends Submitter {
  /** @throws AppError `NOT_FOUND` */
  readJob(principal: Principal, id: string): Promise<JobView>;
  readFacts(id: string): Promise<JobFacts | undefined>;
  toView(facts: JobFacts): JobView;
  /** Where an unfinished job stands; until it is planned, where one that is asked for now would. */
  placeOf(principal: Principal, job: JobView): Promise<Waiting | undefined>;
  listJobs(query: PersonRequestsQuery): Promise<JobView[]>;
  /** @returns what became of it. @throws AppError `NOT_FOUND`, `QUEUE_OPERATION_ERROR` where it had ended. */
  cancel(principal: Principal, id: string): Promise<void>;
  /** Cancels what has not started yet. @returns how many. */
  clearQueue(principal: Principal): Promise<number>;
  /** The id of what runs for this person; the last that started, of several. */
  runningId(principal: Principal): Promise<string | undefined>;
  /** @throws AppError `NOT_FOUND`, `QUEUE_OPERATION_ERROR` where it was answered otherwise, `FORBIDDEN`. */
  answer(
    principal: Principal,
    answer: { requestId: string; questionId: string; choice?: string | undefined; text?: string | undefined },
  ): Promise<void>;
}

export function createJobDesk(
  parts: GatewayParts,
  deps: { board: LiveBoard; queue: QueueWatch; rules: RecentValue<SubmissionRules> },
): JobDesk {
  const { db, nudge } = parts;
  const submitter = createSubmitter({
    accept: (request) => acceptRequest(db, request),
    requestIdOf: (eventId) => requestIdOf('api', eventId),
    readBody: async (id) => (await readRequest(db, id))?.body,
    findForeign: (personId, named) => findForeign(db, personId, named),
    comesOfPrivate: (personId, named) => comesOfPrivate(db, personId, named),
    readRules: () => deps.rules.current(),
    keepFiles: (hashes) => keepUsedAssets(db, hashes, UPLOAD_KEEP_MS),
    countSubmission: (token) => countSubmission(db, token),
    nudge,
    randomId: parts.randomId,
  });

  const life = {
    progressOf: (jobId: string) => deps.board.progress.get(jobId)?.fraction,
    waitingOf: (requestId: string) => deps.queue.current.waiting.get(requestId),
  };
  const toView = (facts: JobFacts): JobView => toJobView(facts, life);

  async function factsOf(requests: readonly RequestRecord[]): Promise<JobFacts[]> {
    const jobs = await readJobsOfRequests(
      db,
      requests.map(({ id }) => id),
    );
    return requests.map((request) => ({ request, jobs: jobs.filter((job) => job.requestId === request.id) }));
  }

  async function cancelOne(id: string, personId: string): Promise<'cancelling' | 'finished' | 'not_found'> {
    const result = await cancelRequest(db, id, personId);
    if (result.outcome !== 'cancelling') return result.outcome;
    nudge(result.outbox);
    try {
      parts.bus().publishLive('cancelWake', {}, { requestId: id, jobIds: result.jobIds }, id);
    } catch (error) {
      // The intent is stored, and workers look for it.
      parts.log.debug({ err: error, request_id: id }, 'nobody was woken for a cancel');
    }
    return 'cancelling';
  }

  return {
    submit: (principal, submission) => submitter.submit(principal, submission),
    toView,
    async readFacts(id) {
      // One look: a request that has ended with jobs that have not would be a result without its pictures.
      const [row] = await readCardRows(db, [id]);
      return row === undefined ? undefined : { request: row.request, jobs: row.jobs };
    },
    async readJob(principal, id) {
      const [facts] = await Promise.all([this.readFacts(id), deps.queue.read()]);
      if (facts?.request.personId !== principal.personId) throw noSuchJob();
      return toView(facts);
    },
    async placeOf({ personId }, job) {
      if (job.waiting !== undefined || job.finishedAt !== undefined || job.status === 'running') return job.waiting;
      return deps.queue.imagine({ personId, gpuSeconds: guessedGpuSeconds, residencyKey: '' });
    },
    async listJobs(query) {
      const [requests] = await Promise.all([readPersonRequests(db, query), deps.queue.read()]);
      return (await factsOf(requests)).map(toView);
    },
    async cancel(principal, id) {
      const outcome = await cancelOne(id, principal.personId);
      if (outcome === 'not_found') throw noSuchJob();
      if (outcome === 'finished') {
        throw problem('QUEUE_OPERATION_ERROR', 'This job has ended already.', '该任务已经结束。');
      }
    },
    async clearQueue(principal) {
      const ids = await readOpenRequestIds(db, { personId: principal.personId, waitingOnly: true });
      let cancelled = 0;
      for (const id of ids) if ((await cancelOne(id, principal.personId)) === 'cancelling') cancelled += 1;
      return cancelled;
    },
    runningId: (principal) => readRunningRequestId(db, principal.personId),
    async answer(principal, { requestId, questionId, choice, text }) {
      checkRules(await deps.rules.current(), principal, { command: 'imagine', words: text ?? '' });
      const outcome = await answerQuestion(db, {
        requestId,
        questionId,
        personId: principal.personId,
        ...(choice === undefined ? {} : { choice }),
        ...(text === undefined ? {} : { text }),
      });
      if (outcome.outcome === 'not_found') throw noSuchJob();
      if (outcome.outcome === 'expired') {
        throw problem('QUEUE_OPERATION_ERROR', 'This question expired: retry the job.', '该问题已过期：请重试该任务。');
      }
      if (outcome.outcome === 'gone') {
        throw problem('QUEUE_OPERATION_ERROR', 'This question was answered already.', '该问题已被回答。');
      }
      nudge(outcome.outbox);
    },
  };
}

function noSuchJob() {
  return problem('NOT_FOUND', 'You have no job with this id.', '没有属于你的此任务。');
}
