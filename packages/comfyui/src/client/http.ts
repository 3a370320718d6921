import { Agent, request as requestPlain, type IncomingMessage } from 'node:http';
import { Agent as TlsAgent, request as requestTls } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { urlToHttpOptions } from 'node:url';
import { ComfyError } from '../errors/comfy-error.ts';
import { createTimeLimit, type TimeLimit } from './time-limit.ts';

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
 * The basic authorization that a URL's user and password stand for; no address that we show or send has them.
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

/** Idle connections are closed before servers and proxies close theirs, which would cost the next request. */
const idleMs = 4_000;

/**
 * Builds the transport; opens no connection. Connections are kept alive for {@link idleMs}, and keep no process alive.
 *
 * Node's own client: a worker makes several requests for each job, and `fetch` costs more than twice the CPU time a request.
 */
export function createHttp(options: HttpOptions): Http {
  const base = parseBaseUrl(options.baseUrl);
  const standing = { accept: '*/*', 'user-agent': 'atelier', ...basicAuthorization(base), ...options.headers };
  base.username = '';
  base.password = '';
  const { protocol, hostname, port } = urlToHttpOptions(base);
  const prefix = base.pathname.replace(/\/+$/, '');
  const kept = { keepAlive: true, timeout: idleMs };
  const [begin, agent] = protocol === 'https:' ? [requestTls, new TlsAgent(kept)] : [requestPlain, new Agent(kept)];

  /** Sends the request. Resolves at the answer's head; whatever cuts the request off cuts its answer off. */
  function start({ method, path, headers, body }: HttpRequest, limit: TimeLimit): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent = begin({
        protocol,
        hostname,
        port,
        method,
        path: `${prefix}${path}`,
        headers: { ...standing, ...headers },
        agent,
      });
      sent.once('response', (response) => {
        // Destroying the request would end the answer as if what was read so far were all of it.
        limit.onCut(() => response.destroy(new Error('the answer was cut off')));
        // What is left of an upload that was answered would hold its source and the connection.
        response.once('end', () => {
          if (!sent.writableFinished) sent.destroy();
        });
        resolve(response);
      });
      sent.on('error', reject);
      // Nobody asked for another protocol, and Node would close the connection without a word.
      sent.once('upgrade', (_, socket) => {
        socket.destroy();
        reject(new Error('the server switched to another protocol'));
      });
      if (body instanceof ReadableStream) pipeline(Readable.fromWeb(body), sent).catch(reject);
      else sent.end(body);
      limit.onCut(() => sent.destroy());
    });
  }

  const whatOf = ({ method, path }: HttpRequest): string => `${method} ${publicUrl(joinUrl(base, path))}`;

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const limit = createTimeLimit(request.timeoutMs, request.signal);
    try {
      const response = await start(request, limit);
      const text = await readText(response, request.maxBytes);
      if (text === undefined) throw tooLarge(whatOf(request), request.maxBytes);
      return { status: response.statusCode ?? 0, contentType: response.headers['content-type'], text };
    } catch (error) {
      throw limit.explain(error, whatOf(request));
    } finally {
      limit.clear();
    }
  }

  async function open(request: HttpRequest): Promise<HttpStream> {
    const limit = createTimeLimit(request.timeoutMs, request.signal);
    const what = whatOf(request);
    try {
      const response = await start(request, limit);
      const { 'content-length': length, 'content-encoding': encoding, 'content-type': contentType } = response.headers;
      const sizeBytes = length === undefined || encoding !== undefined ? undefined : Number(length);
      if (sizeBytes !== undefined && sizeBytes > request.maxBytes) {
        response.destroy();
        throw tooLarge(what, request.maxBytes);
      }
      const body = limitedBody(response, request.maxBytes, limit, what);
      return { status: response.statusCode ?? 0, contentType, sizeBytes, body };
    } catch (error) {
      limit.clear();
      throw limit.explain(error, what);
    }
  }

  return { send, open };
}

function tooLarge(what: string, maxBytes: number): ComfyError {
  return new ComfyError('too_large', `The answer to ${what} is larger than ${maxBytes} bytes.`, {
    hint: 'Raise the cap for this call if the server is right.',
  });
}

/** The whole body, or `undefined` where it is larger than `maxBytes`. */
function readText(response: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      resolve(undefined);
      response.destroy();
    });
    response.once('end', () => resolve(new TextDecoder().decode(Buffer.concat(chunks, size))));
    response.once('error', reject);
    response.once('close', () => reject(new Error('the answer ended early')));
  });
}

/** The body with a size cap and a time limit a chunk; releases the limit when it ends, however it ends. */
function limitedBody(
  response: IncomingMessage,
  maxBytes: number,
  limit: TimeLimit,
  what: string,
): ReadableStream<Uint8Array> {
  const chunks: AsyncIterator<Buffer> = response[Symbol.asyncIterator]();
  let size = 0;
  limit.pause();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          limit.renew();
          const next = await chunks.next();
          if (next.done === true) {
            limit.clear();
            controller.close();
            return;
          }
          size += next.value.byteLength;
          if (size > maxBytes) throw tooLarge(what, maxBytes);
          limit.pause();
          controller.enqueue(next.value);
        } catch (error) {
          limit.clear();
          response.destroy();
          controller.error(limit.explain(error, what));
        }
      },
      cancel() {
        limit.clear();
        response.destroy();
      },
    },
    { highWaterMark: 0 },
  );
}
