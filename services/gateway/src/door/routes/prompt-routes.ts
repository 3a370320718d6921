import type { FastifyReply } from 'fastify';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { hideDoorPrompts } from '@atelier/shared/db/gateway/door-prompts';
import { historyEntry, queueItem } from '../core/history-entry.ts';
import { jobStatusOf } from '../core/job-entry.ts';
import { wholeNumber } from '../core/jobs-query.ts';
import { isRefused } from '../core/judge-prompt.ts';
import { isRefusal, readPromptBody } from '../core/prompt-body.ts';
import {
  answerJson,
  answerTrouble,
  bodyObject,
  bodyText,
  idsOf,
  paramOf,
  principalOf,
  queryOf,
  type DoorContext,
  type DoorServerInstance,
} from '../door-context.ts';
import type { PromptStopper } from '../prompt-stopper.ts';

const maxListed = 1_000;
const usualListed = 200;

/** Prompts: queued, listed, found again, stopped. Everybody sees and stops their own. */
export function registerPromptRoutes(server: DoorServerInstance, context: DoorContext, stopper: PromptStopper): void {
  const { doorDesk, hub, parts } = context;
  const { db } = parts;

  server.get('/prompt', async () => ({ exec_info: { queue_remaining: await context.remaining() } }));

  server.post('/prompt', async (request, reply) => {
    const body = readPromptBody(bodyText(request));
    if (isRefusal(body)) {
      if (body.status === 500) return answerTrouble(reply);
      return reply.code(body.status).send({ error: body.error, node_errors: {} });
    }
    const answer = await doorDesk.submit(principalOf(request), body);
    if (isRefused(answer)) {
      const { error, nodeErrors, status } = answer;
      if (status === 500) return answerTrouble(reply);
      return answerJson(reply.code(status), stringifyJson({ error, node_errors: nodeErrors }, literal));
    }
    hub.know(answer.prompt);
    context.queueMoved();
    const { promptId, number } = answer.prompt;
    return answerJson(reply, stringifyJson({ prompt_id: promptId, number, node_errors: answer.nodeErrors }, literal));
  });

  server.get('/queue', async (request, reply) => {
    const { personId } = principalOf(request);
    const running: Json[] = [];
    const pending: Json[] = [];
    for (const { prompt, facts } of await doorDesk.read({ personId, finished: false, limit: maxListed })) {
      (jobStatusOf(facts) === 'in_progress' ? running : pending).push(queueItem(prompt, facts));
    }
    return answerJson(reply, stringifyJson({ queue_running: running, queue_pending: pending }, literal));
  });

  server.post('/queue', async (request, reply) => {
    const body = bodyObject(request);
    await stopper.stop(principalOf(request), isTrue(body['clear']) ? 'all' : idsOf(body['delete']), ['pending']);
    return reply.send();
  });

  server.post('/interrupt', async (request, reply) => {
    const principal = principalOf(request);
    const promptId = bodyObject(request)['prompt_id'];
    if (typeof promptId === 'string' && promptId !== '') await stopper.stop(principal, [promptId], ['in_progress']);
    else await stopper.stopRunning(principal);
    return reply.send();
  });

  server.get('/history', async (request, reply) => {
    const { personId } = principalOf(request);
    const limit = Math.min(Math.max(1, wholeNumber(queryOf(request, 'max_items')) ?? usualListed), maxListed);
    const offset = wholeNumber(queryOf(request, 'offset')) ?? -1;
    // Without an offset ComfyUI gives the last ones; with one it counts from the first.
    return sendHistory(reply, {
      personId,
      finished: true,
      ranOnly: true,
      limit,
      ...(offset < 0 ? {} : { fromOldest: offset }),
    });
  });

  server.get('/history/:id', async (request, reply) => {
    const { personId } = principalOf(request);
    return sendHistory(reply, {
      personId,
      finished: true,
      ranOnly: true,
      promptIds: [paramOf(request, 'id')],
      limit: 1,
    });
  });

  server.post('/history', async (request, reply) => {
    const body = bodyObject(request);
    const chosen = isTrue(body['clear']) ? 'all' : idsOf(body['delete']);
    if (chosen.length > 0) await hideDoorPrompts(db, principalOf(request).personId, chosen);
    return reply.send();
  });

  async function sendHistory(reply: FastifyReply, query: Parameters<typeof doorDesk.read>[0]): Promise<FastifyReply> {
    const found = await doorDesk.read(query);
    const texts = await doorDesk.texts(found.map(({ facts }) => facts));
    const entries: JsonObject = Object.fromEntries(
      found.map(({ prompt, facts }) => [prompt.promptId, historyEntry(prompt, facts, texts)]),
    );
    return answerJson(reply, stringifyJson(entries, literal));
  }
}

const literal = { nonFinite: 'literal' } as const;

/** What Python takes for true. */
function isTrue(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0 && value !== '';
}
