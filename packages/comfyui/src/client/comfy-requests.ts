import type { z } from 'zod';
import { ComfyError } from '../errors/comfy-error.ts';
import type { Json } from '../json/json.ts';
import { stringifyJson } from '../json/stringify-json.ts';
import { createHttp } from './http.ts';
import type { HttpAnswer, HttpOptions, HttpRequest, HttpStream } from './http.ts';
import { parseAnswer, shorten } from './parse-answer.ts';

/** What every call takes. */
export interface CallOptions {
  /** Ends the call with `aborted`. What a request had already set going at the server stays so. */
  signal?: AbortSignal | undefined;
}

/** What a request leaves out is as usual: GET, the usual limits. */
export interface ComfyRequest extends Partial<Pick<HttpRequest, 'method' | 'body' | 'timeoutMs' | 'maxBytes'>> {
  path: string;
  /** Of `body`: JSON unless given. */
  contentType?: string;
}

export interface ComfyRequestsOptions extends HttpOptions {
  timeoutMs: number;
  maxBytes: number;
  /** Called when no whole answer came: what was known of the server may hold no more. */
  onUnreachable: () => void;
}

/**
 * Requests to one ComfyUI: what all calls of the client have in common. Each throws ComfyError only, `unreachable` also where
 * a proxy says so; nothing is retried.
 */
export interface ComfyRequests {
  /** The answer, whatever its status. */
  send(request: ComfyRequest, call?: CallOptions): Promise<HttpAnswer>;
  /** The text of an answer of status 200 to 299. @throws ComfyError `refused` for any other. */
  text(request: ComfyRequest, call?: CallOptions): Promise<string>;
  /** As {@link ComfyRequests.text}, read as JSON. @throws ComfyError `malformed` where it does not fit. */
  read<T>(request: ComfyRequest, schema: z.ZodType<T>, call?: CallOptions): Promise<T>;
  /** `POST` of a JSON value, of whose answer only the status counts. */
  post(path: string, body: Json, call?: CallOptions): Promise<void>;
  /** The body of an answer of status 200, to be read or cancelled. */
  open(request: ComfyRequest, call?: CallOptions): Promise<HttpStream>;
}

export function createComfyRequests(options: ComfyRequestsOptions): ComfyRequests {
  const http = createHttp(options);

  function whole({ path, body, contentType, ...request }: ComfyRequest, { signal }: CallOptions): HttpRequest {
    return {
      method: 'GET',
      timeoutMs: options.timeoutMs,
      maxBytes: options.maxBytes,
      ...request,
      path,
      signal,
      ...(body === undefined ? {} : { body, headers: { 'content-type': contentType ?? 'application/json' } }),
    };
  }

  async function attempt<T>(request: () => Promise<T>): Promise<T> {
    try {
      return await request();
    } catch (error) {
      if (error instanceof ComfyError && error.code === 'unreachable') options.onUnreachable();
      throw error;
    }
  }

  const send: ComfyRequests['send'] = (request, call = {}) => attempt(() => http.send(whole(request, call)));

  const text: ComfyRequests['text'] = async (request, call) =>
    expectOk(await send(request, call), nameOf(request)).text;

  return {
    send,
    text,
    read: async (request, schema, call) => parseAnswer(schema, await text(request, call), nameOf(request)),
    post: async (path, body, call) => {
      await text({ method: 'POST', path, body: stringifyJson(body) }, call);
    },
    open: async (request, call = {}) => {
      const stream = await attempt(() => http.open(whole(request, call)));
      if (stream.status === 200) return stream;
      await stream.body.cancel();
      throw refusal(stream.status, nameOf(request), '');
    },
  };
}

/** How errors call a request: without its query. */
function nameOf({ method = 'GET', path }: ComfyRequest): string {
  return `${method} ${path.split('?', 1)[0] ?? path}`;
}

export function expectOk(answer: HttpAnswer, what: string): HttpAnswer {
  if (answer.status >= 200 && answer.status < 300) return answer;
  throw refusal(answer.status, what, answer.text);
}

/** 502, 503 and 504 are a proxy's words for a ComfyUI that is away. */
function refusal(status: number, what: string, text: string): ComfyError {
  if (status >= 502 && status <= 504) {
    return new ComfyError('unreachable', `ComfyUI could not be reached: ${what} was answered with ${status}.`, {
      status,
      hint: 'Check that ComfyUI runs behind this address.',
    });
  }
  return new ComfyError('refused', `ComfyUI refused ${what} with status ${status}.`, {
    status,
    body: shorten(text),
    ...(status === 401 || status === 403
      ? { hint: 'Check the token or the headers that are set for this server.' }
      : {}),
  });
}
