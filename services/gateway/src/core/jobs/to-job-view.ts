import type { JobError, JobState } from '@atelier/shared/contracts/job';
import type { PublicError, RequestBody } from '@atelier/shared/contracts/request';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { RequestRecord } from '@atelier/shared/db/requests/request-row';
import { executionProblemCode } from '../problems/to-problem.ts';
import type { JobStatus, JobView, OutputView, Waiting } from './job-view.ts';

/** What is known of a request besides its rows. */
export interface JobLife {
  /** Of a GPU job, 0 to 1. */
  progressOf: (jobId: string) => number | undefined;
  waitingOf: (requestId: string) => Waiting | undefined;
}

export interface JobFacts {
  request: RequestRecord;
  jobs: readonly JobWithOutputs[];
}

const started: ReadonlySet<JobState> = new Set(['running', 'storing', 'succeeded']);
const maxTitleChars = 120;

/** Rows and live facts, as programs read them. */
export function toJobView({ request, jobs }: JobFacts, life: JobLife): JobView {
  const outputs = outputsOf(jobs);
  const waiting = request.finishedAt === null ? life.waitingOf(request.id) : undefined;
  const body = request.body;
  const parent = request.parentRequestId;
  return {
    id: request.id,
    door: request.door,
    kind: body.kind,
    title: titleOf(body),
    status: statusOf(request, jobs),
    // A run that starts changes its own row alone.
    version: jobs.reduce((sum, job) => sum + job.version, request.version),
    isPrivate: request.isPrivate,
    createdAt: request.createdAt.toISOString(),
    updatedAt: request.updatedAt.toISOString(),
    cancelRequested: request.cancelRequestedAt !== null,
    progress: progressOf(request, jobs, life),
    runs: jobs.map((job) => runOf(job, life)),
    outputs,
    ...(request.door === 'api' && request.place.threadId !== undefined ? { clientId: request.place.threadId } : {}),
    ...(request.finishedAt === null ? {} : { finishedAt: request.finishedAt.toISOString() }),
    ...(waiting === undefined ? {} : { waiting }),
    ...(request.plan === null ? {} : { plan: request.plan }),
    ...(request.question === null ? {} : { question: request.question }),
    ...(request.reply === null ? {} : { reply: request.reply }),
    ...(request.error === null ? {} : { error: failureOf(request.error, jobs) }),
    ...(request.cost === null ? {} : { cost: request.cost }),
    ...(parent === null
      ? {}
      : {
          parent: {
            requestId: parent,
            ...(request.parentPicture === null ? {} : { picture: request.parentPicture }),
          },
        }),
  };
}

export function statusOf(request: RequestRecord, jobs: readonly JobWithOutputs[]): JobStatus {
  if (request.state !== 'working') return request.state;
  return jobs.some((job) => started.has(job.state)) ? 'running' : 'queued';
}

/** All outputs in the order in which `source.picture` counts them. */
function outputsOf(jobs: readonly JobWithOutputs[]): OutputView[] {
  let picture = 0;
  return jobs.flatMap((job) =>
    job.outputs.map((output): OutputView => ({
      picture: picture++,
      runId: job.id,
      nodeId: output.nodeId,
      filename: output.filename,
      hash: output.hash,
      mediaType: output.mediaType,
      bytes: output.bytes,
      url: `/api/v1/assets/${output.hash}`,
      ...(output.width === undefined ? {} : { width: output.width }),
      ...(output.height === undefined ? {} : { height: output.height }),
      ...(output.thumbnailHash === undefined ? {} : { thumbnailUrl: `/api/v1/assets/${output.thumbnailHash}` }),
    })),
  );
}

function runOf(job: JobWithOutputs, life: JobLife): JobView['runs'][number] {
  const progress = job.finishedAt === null ? life.progressOf(job.id) : undefined;
  return {
    id: job.id,
    index: job.index,
    state: job.state,
    recipe: job.recipe,
    attempts: job.attempts,
    ...(progress === undefined ? {} : { progress }),
    ...(job.gpuSeconds === null ? {} : { gpuSeconds: job.gpuSeconds }),
    ...(job.instanceId === null ? {} : { instanceId: job.instanceId }),
    ...(job.startedAt === null ? {} : { startedAt: job.startedAt.toISOString() }),
    ...(job.finishedAt === null ? {} : { finishedAt: job.finishedAt.toISOString() }),
    ...(job.error === null ? {} : { error: failureOf(job.error, []) }),
  };
}

/** Every job counts the same; one that has ended counts whole. */
function progressOf(request: RequestRecord, jobs: readonly JobWithOutputs[], life: JobLife): number {
  if (request.finishedAt !== null) return 1;
  if (jobs.length === 0) return 0;
  const done = jobs.reduce((sum, job) => sum + (job.finishedAt === null ? (life.progressOf(job.id) ?? 0) : 1), 0);
  return Math.min(1, done / jobs.length);
}

function failureOf(error: PublicError | JobError, jobs: readonly JobWithOutputs[]): NonNullable<JobView['error']> {
  // The request repeats the code and the sentence of one of its jobs; the job knows more.
  const known: JobError = jobs.find((job) => job.error?.code === error.code)?.error ?? error;
  return {
    code: executionProblemCode(error.code),
    reason: error.code,
    message: error.message,
    ...(known.nodeId === undefined ? {} : { nodeId: known.nodeId }),
    ...(known.classType === undefined ? {} : { classType: known.classType }),
    ...(known.details === undefined ? {} : { details: known.details }),
  };
}

function titleOf(body: RequestBody): string {
  const words = wordsOf(body).replaceAll(/\s+/g, ' ').trim();
  return words.length <= maxTitleChars ? words : `${words.slice(0, maxTitleChars - 1)}…`;
}

function wordsOf(body: RequestBody): string {
  switch (body.kind) {
    case 'imagine':
      return body.options.prompt;
    case 'words':
      return body.text;
    case 'derive':
      return body.text ?? body.action;
    case 'shots':
      return body.shots.map((shot) => shot.prompt).join(' · ');
    case 'workflow':
      return body.name ?? 'workflow';
    default:
      return body.kind;
  }
}
