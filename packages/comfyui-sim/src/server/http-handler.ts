import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  BodyTooLarge,
  emptyAnswer,
  methodNotAllowed,
  notFound,
  readBody,
  serverTrouble,
  textAnswer,
  writeAnswer,
} from './http-exchange.ts';
import type { HttpAnswer, HttpExchange, Route } from './http-exchange.ts';
import type { LostAnswer } from './prompt-routes.ts';
import { isForeignOrigin } from './same-origin.ts';

export interface HandlerDependencies {
  routes: readonly Route[];
  postPrompt: (exchange: HttpExchange) => Promise<HttpAnswer | LostAnswer>;
  /** Resolves at once, or when a hang is over. Routes under `/sim/` do not wait for it. */
  whileHung: () => Promise<void>;
  onError: (error: unknown) => void;
}

function exchangeOf(request: IncomingMessage): HttpExchange | undefined {
  const target = request.url ?? '/';
  const at = target.indexOf('?');
  let path: string;
  try {
    path = decodeURIComponent(at === -1 ? target : target.slice(0, at));
  } catch {
    return undefined;
  }
  const isUnderApi = path.startsWith('/api/');
  return {
    method: request.method ?? 'GET',
    path: isUnderApi ? path.slice('/api'.length) : path,
    query: new URLSearchParams(at === -1 ? '' : target.slice(at + 1)),
    request,
    isUnderApi,
    readBody: () => readBody(request),
  };
}

/** Answers one request as ComfyUI's aiohttp server does: origin check, routes with and without `/api`, then the static route. */
export function createHttpHandler(
  dependencies: HandlerDependencies,
): (request: IncomingMessage, response: ServerResponse) => void {
  async function answer(exchange: HttpExchange): Promise<HttpAnswer | LostAnswer> {
    const { host, origin } = exchange.request.headers;
    if (isForeignOrigin(host, origin)) return emptyAnswer(403);
    if (exchange.method === 'OPTIONS') return emptyAnswer(200);
    if (exchange.method === 'POST' && exchange.path === '/prompt') return dependencies.postPrompt(exchange);
    for (const route of dependencies.routes) {
      const found = await route(exchange);
      if (found !== undefined) return found;
    }
    return exchange.method === 'GET' || exchange.method === 'HEAD' ? notFound : methodNotAllowed;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = exchangeOf(request);
    if (exchange === undefined) {
      writeAnswer(response, textAnswer('400: Bad Request', 400), false);
      return;
    }
    if (!exchange.path.startsWith('/sim/')) await dependencies.whileHung();
    const found = await answer(exchange);
    if ('lost' in found) {
      if (found.lost === 'reset') request.socket.destroy();
      return;
    }
    writeAnswer(response, found, exchange.method === 'HEAD');
  }

  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      if (error instanceof BodyTooLarge) {
        writeAnswer(response, textAnswer('413: Request Entity Too Large', 413), false);
        return;
      }
      // A client that went away, or a simulator that stops, is no error of ours.
      if (request.socket.destroyed || request.errored !== null) return;
      dependencies.onError(error);
      if (!response.headersSent) writeAnswer(response, serverTrouble, false);
    });
  };
}
