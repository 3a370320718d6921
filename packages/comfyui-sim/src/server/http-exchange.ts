import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Json } from '@atelier/comfyui/json/json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';

/** What a route answers. An empty body goes without a content type, as aiohttp sends it. */
export interface HttpAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: Buffer | string;
}

/** One request, with its path decoded and `/api` taken off. */
export interface HttpExchange {
  method: string;
  path: string;
  query: URLSearchParams;
  request: IncomingMessage;
  /** Whether the path came with `/api` before it. */
  isUnderApi: boolean;
  /** The whole body; capped. */
  readBody: () => Promise<Buffer>;
}

/** Answers where it knows the path, else gives undefined. */
export type Route = (exchange: HttpExchange) => HttpAnswer | Promise<HttpAnswer> | undefined;

/** ComfyUI's default `--max-upload-size`. */
export const maxBodyBytes = 104_857_600;

export function jsonAnswer(value: Json, status = 200): HttpAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: stringifyJson(value, { nonFinite: 'literal' }),
  };
}

export function textAnswer(text: string, status: number): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text };
}

export function emptyAnswer(status: number): HttpAnswer {
  return { status };
}

/** What aiohttp says when a handler raises. */
export const serverTrouble: HttpAnswer = textAnswer('500 Internal Server Error\n\nServer got itself in trouble', 500);

/** What the static route answers to an unknown path. */
export const notFound: HttpAnswer = { status: 404, headers: { 'content-type': 'application/octet-stream' } };

export const methodNotAllowed: HttpAnswer = textAnswer('405: Method Not Allowed', 405);

/** The body is larger than ComfyUI takes: its server answers 413. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** @throws BodyTooLarge past `maxBodyBytes`. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw new BodyTooLarge(`The body has more than ${maxBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function writeAnswer(response: ServerResponse, answer: HttpAnswer, isHead: boolean): void {
  const body = answer.body === undefined ? Buffer.alloc(0) : Buffer.from(answer.body);
  response.writeHead(answer.status, { ...answer.headers, 'content-length': String(body.length) });
  response.end(isHead ? undefined : body);
}
