import type { IncomingMessage, ServerResponse } from 'node:http';
import { DiscordError } from './discord-error.ts';
import type { RateLimits } from './rate-limits.ts';
import { readBody } from './read-body.ts';
import { createRoutes, type RouteOptions } from './rest-routes.ts';

/** A call as it was answered. */
export interface AnsweredCall {
  method: string;
  path: string;
  status: number;
  /** Discord's error code. */
  code?: number;
  message?: string;
  atMs: number;
  /** It came before the time that an earlier answer had named. */
  early?: true;
}

export interface RestApiOptions extends RouteOptions {
  token: string;
  limits: RateLimits;
  now: () => number;
  /** Answers this call with a fault instead, if any is due. */
  fault: (method: string, path: string) => CallFault | undefined;
  onCall: (call: AnsweredCall) => void;
}

/** What goes wrong with a call: an error, no answer at all, or the answer is lost after it took effect. */
export type CallFault = { status: number; code?: number } | 'hang' | 'lose-answer';

/** Discord's REST interface, as far as a bot of this kind uses it: version 10. */
export function createRestApi(options: RestApiOptions) {
  const { limits } = options;
  const routes = createRoutes(options);

  async function answer(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const method = request.method ?? 'GET';
    const path = decodeURIComponent(url.pathname).replace(/^\/api\/v10/, '');
    let lost = false;
    const finish = (status: number, body: unknown, headers: Record<string, string> = {}, early = false): void => {
      const failure = status < 400 ? {} : { code: Number(codeOf(body)), message: JSON.stringify(body) };
      limits.count(status);
      options.onCall({ method, path, status, atMs: options.now(), ...failure, ...(early ? { early } : {}) });
      if (lost) {
        request.socket.destroy();
        return;
      }
      const type = body === undefined ? {} : { 'content-type': 'application/json' };
      response.writeHead(status, { ...type, ...headers });
      response.end(body === undefined ? undefined : JSON.stringify(body));
    };
    const content = await readBody(request);
    if (limits.isBanned) {
      // As the proxy before Discord says it: no JSON, no `via`.
      options.onCall({ method, path, status: 429, atMs: options.now(), code: 0, message: 'banned' });
      response.writeHead(429, { 'content-type': 'text/html', 'retry-after': '3600' }).end('error code: 1015');
      return;
    }
    const fault = options.fault(method, path);
    if (fault === 'hang') return;
    if (fault === 'lose-answer') lost = true;
    else if (fault !== undefined) {
      finish(fault.status, { message: 'fault', code: fault.code ?? 0 });
      return;
    }
    const route = routes.find((one) => one.method === method && one.pattern.test(path));
    if (route === undefined) {
      finish(404, { message: '404: Not Found', code: 0 });
      return;
    }
    const parts = [...(route.pattern.exec(path) ?? [])].slice(1);
    if (route.open !== true && request.headers.authorization !== `Bot ${options.token}`) {
      finish(401, { message: '401: Unauthorized', code: 0 });
      return;
    }
    // A token has its own bucket, as a channel has.
    const major = route.open === true ? (parts[1] ?? '') : (parts[0] ?? '');
    const limit = limits.take(route.bucket, major, route.open !== true);
    if (!limit.allowed) {
      const { global, retryAfterSeconds } = limit;
      const body = { message: 'You are being rate limited.', retry_after: retryAfterSeconds, global, code: 0 };
      finish(429, body, { ...limit.headers, 'retry-after': retryAfterSeconds.toFixed(3), via: 'fake' }, limit.early);
      return;
    }
    try {
      const result = route.handle({ query: url.searchParams, ...content, parts });
      finish(result === undefined ? 204 : 200, result, limit.headers);
    } catch (error) {
      if (!(error instanceof DiscordError)) throw error;
      finish(error.status, error.toJson(), limit.headers);
    }
  }

  return { answer };
}

function codeOf(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'code' in body ? body.code : 0;
}
