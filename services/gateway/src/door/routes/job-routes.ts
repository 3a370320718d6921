import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { durationOf, jobEntry, jobStatusOf, workflowIdOf } from '../core/job-entry.ts';
import { parseJobsQuery } from '../core/jobs-query.ts';
import {
  answerJson,
  bodyObject,
  idsOf,
  paramOf,
  principalOf,
  type DoorContext,
  type DoorServerInstance,
} from '../door-context.ts';
import type { PromptStopper } from '../prompt-stopper.ts';

const maxListed = 1_000;

/** `/api/jobs`, as ComfyUI has it since 0.8, and its cancels, since 0.38. */
export function registerJobRoutes(server: DoorServerInstance, context: DoorContext, stopper: PromptStopper): void {
  const { doorDesk } = context;

  server.get('/api/jobs', async (request, reply) => {
    const { personId } = principalOf(request);
    const query = parseJobsQuery(new URL(request.url, 'http://door').searchParams);
    if ('error' in query) return reply.code(400).send({ error: query.error });
    const { statuses, workflowId, sortBy, isAscending, limit, offset } = query;
    const wantsOpen = statuses.includes('pending') || statuses.includes('in_progress');
    const wantsEnded = statuses.some((status) => status !== 'pending' && status !== 'in_progress');
    const finished = wantsOpen === wantsEnded ? {} : { finished: wantsEnded };
    const all = (await doorDesk.read({ personId, ...finished, limit: maxListed }))
      .filter(({ facts }) => statuses.includes(jobStatusOf(facts)))
      .filter(({ prompt }) => workflowId === undefined || workflowIdOf(prompt) === workflowId)
      .map((found) => ({
        ...found,
        key: sortBy === 'created_at' ? found.prompt.number : durationOf(found.facts),
      }))
      .toSorted((a, b) => (isAscending ? a.key - b.key : b.key - a.key));
    const page = all.slice(offset, limit === null ? undefined : offset + limit);
    const texts = await doorDesk.texts(page.map(({ facts }) => facts));
    const jobs = page.map(({ prompt, facts }) => jobEntry(prompt, facts, texts, false));
    const pagination = { offset, limit, total: all.length, has_more: offset + page.length < all.length };
    return answerJson(reply, stringifyJson({ jobs, pagination }, { nonFinite: 'literal' }));
  });

  server.get('/api/jobs/:id', async (request, reply) => {
    const { personId } = principalOf(request);
    const [found] = await doorDesk.read({ personId, promptIds: [paramOf(request, 'id')], limit: 1 });
    if (found === undefined) return reply.code(404).send({ error: 'Job not found' });
    const texts = await doorDesk.texts([found.facts]);
    const entry = jobEntry(found.prompt, found.facts, texts, true);
    return answerJson(reply, stringifyJson(entry, { nonFinite: 'literal' }));
  });

  server.post('/api/jobs/:id/cancel', async (request) => {
    const stopped = await stopper.stop(principalOf(request), [paramOf(request, 'id')], ['pending', 'in_progress']);
    return { cancelled: stopped > 0 };
  });

  server.post('/api/jobs/cancel', async (request, reply) => {
    const ids = bodyObject(request)['job_ids'];
    if (!Array.isArray(ids)) return reply.code(400).send({ error: 'job_ids must be a list' });
    const stopped = await stopper.stop(principalOf(request), idsOf(ids), ['pending', 'in_progress']);
    return { cancelled: stopped > 0 };
  });
}
