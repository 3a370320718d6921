import { ComfyError } from '../errors/comfy-error.ts';
import { abortedError } from './clock.ts';

/** One request to ComfyUI. */
export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH';
  /** Path and query as they go on the wire, from the slash on: `/history/…`. */
  path: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>;
  /** From the call to the last byte of the answer (of its head, for {@link Http.open}). */
  timeoutMs: number;
  maxBytes: number;
  signal?: AbortSignal | undefined;
}

/** A whole answer, whatever its status. */
export interface HttpAnswer {
  status: number;
  contentType: string | undefined;
  text: string;
}

/** An answer whose body is still to be read, or cancelled: until then it holds a connection. */
export interface HttpStream {
  status: number;
  contentType: string | undefined;
  /** From `content-length`, where the server sent one and did not compress. */
  sizeBytes: number | undefined;
  body: ReadableStream<Uint8Array>;
}

/** The few lines of HTTP that the client needs: time limits, size caps and errors that tell what happened. */
export interface Http {
  /** Sends one request and reads the whole answer. Never retries, never follows a redirect. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** Sends one request and hands over the body as it comes. Each chunk has `timeoutMs` to arrive. */
  open(request: HttpRequest): Promise<HttpStream>;
}

export interface HttpOptions {
  /** With or without a trailing slash; a path in it (a reverse proxy's prefix) is kept. */
  baseUrl: string;
  /** Sent with every request, for a proxy that asks for a token. Never repeated in an error. */
  headers?: Record<string, string>;
}

/** Where an error says the request went: no user, no password, no query. */
export function publicUrl(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/**
 * Parses the address of a ComfyUI server.
 *
 * @throws ComfyError `invalid_value` for anything but an http or https URL.
 */
export function parseBaseUrl(baseUrl: string): URL {
  const url = URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new ComfyError('invalid_value', 'The address of ComfyUI is not an http or https URL.', {
      hint: 'Write it like http://127.0.0.1:8188.',
    });
  }
  return url;
}

/** Joins the base address and a path that starts with a slash. */
export function joinUrl(base: URL, path: string): URL {
  const url = new URL(base);
  const [pathname = '/', query = ''] = path.split('?', 2);
  url.pathname = `${base.pathname.replace(/\/+$/, '')}${pathname}`;
  url.search = query;
  url.hash = '';
  return url;
}

/**
 * The basic authorization that a URL's user and password stand for; fetch refuses URLs that carry them.
 *
 * @throws ComfyError `invalid_value` where they are not percent-encoded as URLs have to be.
 */
export function basicAuthorization(url: URL): Record<string, string> {
  if (url.username === '' && url.password === '') return {};
  let pair: string;
  try {
    pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  } catch {
    throw new ComfyError('invalid_value', 'The address of ComfyUI has a user or password that cannot be decoded.', {
      hint: 'Write a percent sign in them as %25.',
    });
  }
  return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
}

/** Builds the transport; opens no connection. Connections are kept alive and shared by the process. */
export function createHttp(options: HttpOptions): Http {
  const base = parseBaseUrl(options.baseUrl);
  const standing = { ...basicAuthorization(base), ...options.headers };
  base.username = '';
  base.password = '';

  async function start(request: HttpRequest, url: URL, limit: TimeLimit): Promise<Response> {
    try {
      return await fetch(url, {
        method: request.method,
        headers: { ...standing, ...request.headers },
        redirect: 'manual',
        signal: limit.signal,
        ...(request.body === undefined ? {} : { body: request.body, duplex: 'half' }),
      });
    } catch (error) {
      throw limit.explain(error, whatOf(request, url));
    }
  }

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const limit = createTimeLimit(request.timeoutMs, request.signal);
    const url = joinUrl(base, request.path);
    try {
      const response = await start(request, url, limit);
      const text = await readText(response, request.maxBytes, limit, whatOf(request, url));
      return { status: response.status, contentType: response.headers.get('content-type') ?? undefined, text };
    } finally {
      limit.clear();
    }
  }

  async function open(request: HttpRequest): Promise<HttpStream> {
    const limit = createTimeLimit(request.timeoutMs, request.signal);
    const url = joinUrl(base, request.path);
    const what = whatOf(request, url);
    try {
      const response = await start(request, url, limit);
      const length = Number(response.headers.get('content-length') ?? Number.NaN);
      const sized = Number.isSafeInteger(length) && response.headers.get('content-encoding') === null;
      if (sized && length > request.maxBytes) {
        limit.abort();
        throw tooLarge(what, request.maxBytes);
      }
      return {
        status: response.status,
        contentType: response.headers.get('content-type') ?? undefined,
        sizeBytes: sized ? length : undefined,
        body: limitedBody(response.body, request.maxBytes, limit, what),
      };
    } catch (error) {
      limit.clear();
      throw error;
    }
  }

  return { send, open };
}

/** How an error names a request. */
function whatOf({ method }: HttpRequest, url: URL): string {
  return `${method} ${publicUrl(url)}`;
}

/** One deadline and one caller's signal as one signal, with an answer to the question which of them fired. */
interface TimeLimit {
  signal: AbortSignal;
  /** Starts the same time again. */
  renew(): void;
  /** Stops the time, not the signal: a reader that takes its time is no fault of the server. */
  pause(): void;
  clear(): void;
  abort(): void;
  explain(error: unknown, what: string): ComfyError;
}

function createTimeLimit(timeoutMs: number, outer: AbortSignal | undefined): TimeLimit {
  const controller = new AbortController();
  let timedOut = false;
  const onTimeout = (): void => {
    timedOut = true;
    controller.abort();
  };
  const onOuter = (): void => controller.abort();
  let timer = setTimeout(onTimeout, timeoutMs);
  if (outer?.aborted === true) controller.abort();
  else outer?.addEventListener('abort', onOuter, { once: true });
  return {
    signal: controller.signal,
    renew: () => {
      clearTimeout(timer);
      timer = setTimeout(onTimeout, timeoutMs);
    },
    pause: () => clearTimeout(timer),
    clear: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', onOuter);
    },
    abort: () => controller.abort(),
    explain: (error, what) => {
      if (error instanceof ComfyError) return error;
      if (outer?.aborted === true) return abortedError(outer);
      const reason = timedOut ? `no answer within ${timeoutMs} ms` : connectionReason(error);
      return new ComfyError('unreachable', `ComfyUI could not be reached at ${what}: ${reason}.`, {
        hint: 'Check that ComfyUI runs and that its address is right.',
        cause: error,
      });
    },
  };
}

/** A short reason from what fetch throws; system error codes only, since texts can repeat headers. */
function connectionReason(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 4; cause = cause.cause, depth += 1) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (typeof code === 'string' && /^[A-Z][A-Z0-9_]+$/.test(code)) return code;
  }
  return 'the connection failed';
}

function tooLarge(what: string, maxBytes: number): ComfyError {
  return new ComfyError('too_large', `The answer to ${what} is larger than ${maxBytes} bytes.`, {
    hint: 'Raise the cap for this call if the server is right.',
  });
}

async function readText(response: Response, maxBytes: number, limit: TimeLimit, what: string): Promise<string> {
  if (response.body === null) return '';
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      size += value.byteLength;
      if (size > maxBytes) {
        limit.abort();
        throw tooLarge(what, maxBytes);
      }
      chunks.push(value);
    }
  } catch (error) {
    throw limit.explain(error, what);
  }
  return new TextDecoder().decode(Buffer.concat(chunks, size));
}

/** The body with a size cap and a time limit a chunk; releases the limit when it ends, however it ends. */
function limitedBody(
  body: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  limit: TimeLimit,
  what: string,
): ReadableStream<Uint8Array> {
  const reader = body?.getReader();
  let size = 0;
  limit.pause();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          limit.renew();
          const next = await reader?.read();
          if (next === undefined || next.done) {
            limit.clear();
            controller.close();
            return;
          }
          size += next.value.byteLength;
          if (size > maxBytes) throw tooLarge(what, maxBytes);
          limit.pause();
          controller.enqueue(next.value);
        } catch (error) {
          const reason = limit.explain(error, what);
          limit.abort();
          limit.clear();
          controller.error(reason);
        }
      },
      cancel() {
        limit.abort();
        limit.clear();
      },
    },
    { highWaterMark: 0 },
  );
}
