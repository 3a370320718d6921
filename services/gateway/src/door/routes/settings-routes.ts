import type { FastifyReply, FastifyRequest } from 'fastify';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { readDoorFile, writeDoorFile } from '@atelier/shared/db/gateway/door-files';
import { bodyText, paramOf, principalOf, type DoorContext, type DoorServerInstance } from '../door-context.ts';

/** The front end's settings lie beside its files, where no address of theirs reaches. */
export const settingsPath = ':settings';
/** Of one person, settings and files together. */
export const userAllowance = { files: 1_000, bytes: 100_000_000 };
export const json = 'application/json; charset=utf-8';

/** Settings that the front end keeps: each person has their own. */
export function registerSettingsRoutes(server: DoorServerInstance, { parts }: DoorContext): void {
  const { db } = parts;

  async function settingsOf(personId: string): Promise<JsonObject> {
    const file = await readDoorFile(db, personId, settingsPath);
    if (file === undefined) return {};
    const value = parseJson(file.content.toString('utf8'));
    return isJsonObject(value) ? value : {};
  }

  /** Settings come one by one and many at a time: those of a person are written one after the other. */
  const writing = new Map<string, Promise<unknown>>();
  function setSettings(request: FastifyRequest, reply: FastifyReply, given: JsonObject): Promise<FastifyReply> {
    const { personId } = principalOf(request);
    const mine = (writing.get(personId) ?? Promise.resolve()).then(() => mergeSettings(personId, reply, given));
    const settled = mine
      .catch(() => undefined)
      .finally(() => {
        if (writing.get(personId) === settled) writing.delete(personId);
      });
    writing.set(personId, settled);
    return mine;
  }

  async function mergeSettings(personId: string, reply: FastifyReply, given: JsonObject): Promise<FastifyReply> {
    const settings = { ...(await settingsOf(personId)), ...given };
    const content = Buffer.from(stringifyJson(settings, { nonFinite: 'literal' }));
    const written = await writeDoorFile(db, { personId, path: settingsPath, content, overwrite: true }, userAllowance);
    return reply.code(written.outcome === 'written' ? 200 : 507).send();
  }

  server.get('/settings', async (request, reply) =>
    reply.type(json).send(stringifyJson(await settingsOf(principalOf(request).personId), { nonFinite: 'literal' })),
  );
  server.get('/settings/:id', async (request, reply) => {
    const value = (await settingsOf(principalOf(request).personId))[paramOf(request, 'id')] ?? null;
    return reply.type(json).send(stringifyJson(value, { nonFinite: 'literal' }));
  });
  server.post('/settings', async (request, reply) => {
    const value = valueOf(bodyText(request));
    return isJsonObject(value) ? setSettings(request, reply, value) : reply.code(400).send();
  });
  server.post('/settings/:id', async (request, reply) => {
    const value = valueOf(bodyText(request));
    return value === undefined
      ? reply.code(400).send()
      : setSettings(request, reply, { [paramOf(request, 'id')]: value });
  });
}

function valueOf(text: string): Json | undefined {
  try {
    return parseJson(text, { maxDepth: 100, maxValues: 50_000 });
  } catch {
    return undefined;
  }
}
