import type { Json } from '@atelier/comfyui/json/json';
import { historyJson, queueTuple } from '../queue/prompt-queue.ts';
import type { PromptQueue } from '../queue/prompt-queue.ts';
import { emptyAnswer, jsonAnswer, serverTrouble } from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';
import { readObject } from './read-object.ts';

export interface QueueRouteDependencies {
  queue: PromptQueue;
  /** Sets the interrupt flag. */
  interrupt: () => void;
  free: (what: { unloadModels: boolean; freeMemory: boolean }) => void;
}

/** What a Python loop over the value gives: list items, or a text's characters. Undefined where it raises. */
function iterate(value: Json): Json[] | undefined {
  if (Array.isArray(value)) return value;
  if (typeof value === 'string') return Array.from(value);
  return typeof value === 'object' && value !== null ? Object.keys(value) : undefined;
}

async function clearOrDelete(
  exchange: HttpExchange,
  clear: () => void,
  remove: (id: string) => void,
): Promise<HttpAnswer> {
  const data = await readObject(exchange);
  if (data === undefined) return serverTrouble;
  if (data['clear'] !== undefined && data['clear'] !== false && data['clear'] !== null && data['clear'] !== 0) clear();
  if (data['delete'] !== undefined) {
    const ids = iterate(data['delete']);
    if (ids === undefined) return serverTrouble;
    for (const id of ids) if (typeof id === 'string') remove(id);
  }
  return emptyAnswer(200);
}

function historyAnswer(queue: PromptQueue, query: URLSearchParams): HttpAnswer {
  const maxItems = query.get('max_items');
  const offsetText = query.get('offset');
  const max = maxItems === null ? undefined : Number(maxItems);
  if (max !== undefined && !Number.isInteger(max)) return serverTrouble;
  const entries = [...queue.history()];
  const given = offsetText === null ? -1 : Number(offsetText);
  const offset = given < 0 && max !== undefined ? entries.length - max : given;
  const from = Math.max(0, offset);
  const shown = entries.slice(from, max === undefined ? undefined : from + Math.max(1, max));
  return jsonAnswer(Object.fromEntries(shown.map(([id, entry]) => [id, historyJson(entry)])));
}

export function createQueueRoutes(dependencies: QueueRouteDependencies): Route {
  const { queue } = dependencies;

  async function interrupt(exchange: HttpExchange): Promise<HttpAnswer> {
    const data = (await readObject(exchange)) ?? {};
    const promptId = data['prompt_id'];
    const isTargeted = typeof promptId === 'string' && promptId !== '';
    if (!isTargeted || queue.running().some((item) => item.promptId === promptId)) dependencies.interrupt();
    return emptyAnswer(200);
  }

  async function free(exchange: HttpExchange): Promise<HttpAnswer> {
    const data = await readObject(exchange);
    if (data === undefined) return serverTrouble;
    dependencies.free({ unloadModels: data['unload_models'] === true, freeMemory: data['free_memory'] === true });
    return emptyAnswer(200);
  }

  return (exchange) => {
    const { method, path } = exchange;
    switch (`${method} ${path}`) {
      case 'GET /queue':
        return jsonAnswer({
          queue_running: queue.running().map(queueTuple),
          queue_pending: queue.pending().map(queueTuple),
        });
      case 'POST /queue':
        return clearOrDelete(exchange, queue.clearPending, queue.deletePending);
      case 'GET /history':
        return historyAnswer(queue, exchange.query);
      case 'POST /history':
        return clearOrDelete(exchange, queue.clearHistory, queue.deleteHistory);
      case 'POST /interrupt':
        return interrupt(exchange);
      case 'POST /free':
        return free(exchange);
      default: {
        const promptId = method === 'GET' && path.startsWith('/history/') ? path.slice('/history/'.length) : undefined;
        if (promptId === undefined) return undefined;
        const entry = queue.history().get(promptId);
        return jsonAnswer(entry === undefined ? {} : { [promptId]: historyJson(entry) });
      }
    }
  };
}
