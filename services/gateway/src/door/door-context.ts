import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Principal } from '../core/principal.ts';
import { unauthenticated } from '../identity/create-identity.ts';
import type { SharedParts } from '../app.ts';
import type { DoorCatalog } from './door-catalog.ts';
import type { DoorConfig } from './door-config.ts';
import type { DoorDesk } from './door-desk.ts';
import type { DoorHub } from './door-hub.ts';

/** What the routes of the door work with. */
export interface DoorContext extends SharedParts {
  config: DoorConfig;
  catalog: DoorCatalog;
  doorDesk: DoorDesk;
  hub: DoorHub;
  /** Unfinished requests of everybody, as of the last look. */
  remaining: () => Promise<number>;
  /** That look is old. */
  queueMoved: () => void;
}

/** A door's own server: bodies come as bytes, since ComfyUI looks at no content type. */
export type DoorServerInstance = FastifyInstance;

/** Who calls; an error: why what they showed is not valid. */
type Caller = Principal | AppError;

const callers = new WeakMap<FastifyRequest, Caller>();

export function setCaller(request: FastifyRequest, caller: Caller | undefined): void {
  if (caller !== undefined) callers.set(request, caller);
}

/** Undefined: they showed nothing. */
export function callerOf(request: FastifyRequest): Caller | undefined {
  return callers.get(request);
}

/** Who calls. @throws AppError `UNAUTHENTICATED`, `FORBIDDEN` */
export function principalOf(request: FastifyRequest): Principal {
  const caller = callers.get(request);
  if (caller === undefined) throw unauthenticated();
  if (caller instanceof AppError) throw caller;
  return caller;
}

/** The body as text, whatever was said of its type. */
export function bodyText(request: FastifyRequest): string {
  return Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
}

/** The body as an object; what is none counts as an empty one. */
export function bodyObject(request: FastifyRequest): JsonObject {
  const text = bodyText(request);
  if (text.trim() === '') return {};
  try {
    const value = parseJson(text, { maxDepth: 20, maxValues: 20_000 });
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

const maxIds = 1_000;

/** The ids in a list; all else is left out. */
export function idsOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((id) => typeof id === 'string').slice(0, maxIds) : [];
}

/** @param text JSON. */
export function answerJson(reply: FastifyReply, text: string): FastifyReply {
  return reply.type('application/json; charset=utf-8').send(text);
}

/** As ComfyUI's HTTP server answers what it stumbles over. */
export function answerTrouble(reply: FastifyReply): FastifyReply {
  return reply
    .code(500)
    .type('text/plain; charset=utf-8')
    .send('500 Internal Server Error\n\nServer got itself in trouble');
}

/** One value of an address's query. */
export function queryOf(request: FastifyRequest, name: string): string | undefined {
  const value = (request.query as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : undefined;
}

export function paramOf(request: FastifyRequest, name: string): string {
  const value = (request.params as Record<string, unknown>)[name];
  return typeof value === 'string' ? value : '';
}
