import { z } from 'zod';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import { shorten } from '@atelier/shared/text/shorten';
import { explainFailure } from '../loop/explain-failure.ts';
import { findRequest, shortId } from './picture-ref.ts';
import { capped, defineTool, type ToolContext, type ToolOutcome } from './tool.ts';
import { asData } from './untrusted-text.ts';

const MAX_LINES = 20;
const MAX_DETAIL_CHARS = 300;

/** What became of jobs, and waiting for one's own. */
export const jobsTool = defineTool({
  name: 'jobs',
  description:
    "Status of this request's jobs, or of #id. wait: sleep until yours have ended (only when their result decides what you do next).",
  input: z.object({ request: z.string().max(60).optional(), wait: z.boolean().optional() }),
  readOnly: true,
  forDoors: true,
  timeoutMs: 10_000,
  async execute({ request, wait }, context) {
    const own = request === undefined && context.request !== undefined;
    if (request === undefined && !own)
      return { kind: 'result', content: 'Name a request, such as #3f2a91bc.', isError: true };
    const requestId = own ? (context.request?.id ?? '') : (await findRequest(request ?? '', context)).id;
    const jobs = own ? context.jobs : await context.reads.jobsOf(requestId);
    if (jobs.length === 0) return { kind: 'result', content: 'It has no jobs.' };
    if (wait === true && own && jobs.some(({ finishedAt }) => finishedAt === null)) return { kind: 'wait' };
    return report(requestId, jobs, context);
  },
});

function report(requestId: string, jobs: readonly JobWithOutputs[], context: ToolContext): ToolOutcome {
  let picture = 0;
  const lines = jobs.map((job, index) => {
    const from = picture + 1;
    picture += job.outputs.length;
    const pictures =
      job.outputs.length === 0
        ? ''
        : `: ${job.outputs.map((output, at) => `${shortId(requestId)}.${from + at}${output.width === undefined || output.height === undefined ? '' : ` ${output.width}×${output.height}`}`).join(', ')}`;
    const took = job.gpuSeconds === null ? '' : ` in ${Math.round(job.gpuSeconds * 10) / 10} GPU s`;
    return `job ${index + 1}: ${job.state}${took}${pictures}${failureOf(job)}`;
  });
  const ended = jobs.filter(({ finishedAt }) => finishedAt !== null).map(({ id }) => id);
  const isOwn = requestId === context.request?.id;
  return { kind: 'result', content: capped(lines, MAX_LINES), ...(isOwn ? { jobIds: ended } : {}) };
}

function failureOf(job: JobWithOutputs): string {
  if (job.state !== 'failed' && job.state !== 'quarantined') return '';
  const { text, details } = explainFailure(job.error);
  return `\n${asData(`${text}\nComfyUI says: ${shorten(details, MAX_DETAIL_CHARS)}`)}`;
}

/** Stops what the person asked for. */
export const cancelTool = defineTool({
  name: 'cancel',
  description: "Stop one of the person's own earlier requests.",
  input: z.object({ request: z.string().max(60).describe('#id') }),
  readOnly: false,
  forDoors: true,
  timeoutMs: 10_000,
  async execute({ request }, context) {
    const row = await findRequest(request, context);
    const outcome = await context.reads.cancel(row.id, context.requester.personId);
    const words = {
      cancelling: `${shortId(row.id)} is being stopped.`,
      finished: `${shortId(row.id)} had ended already.`,
      not_found: `${shortId(row.id)} is another person's; only they can stop it.`,
    };
    return { kind: 'result', content: words[outcome], ...(outcome === 'not_found' ? { isError: true } : {}) };
  },
});
