import type { JsonObject } from '@atelier/comfyui/json/json';
import {
  deleteDoorFile,
  listDoorFiles,
  moveDoorFile,
  readDoorFile,
  writeDoorFile,
  type DoorFile,
} from '@atelier/shared/db/gateway/door-files';
import type { FastifyRequest } from 'fastify';
import { userFilePath } from '../core/door-paths.ts';
import { paramOf, principalOf, queryOf, type DoorContext, type DoorServerInstance } from '../door-context.ts';
import { json, settingsPath, userAllowance } from './settings-routes.ts';

/** Files that the front end keeps: each person has their own. */
export function registerUserRoutes(server: DoorServerInstance, { parts }: DoorContext): void {
  const { db } = parts;

  server.get('/users', async () => ({ storage: 'server', migrated: true }));
  server.post('/users', async (_request, reply) => reply.code(400).send({ error: 'Users are those of Atelier' }));

  server.get('/userdata', async (request, reply) => {
    const dir = userFilePath(queryOf(request, 'dir') ?? '');
    if (dir === undefined) return reply.code(400).send('Directory not provided or invalid');
    const recurse = queryOf(request, 'recurse') === 'true';
    const found = await listDoorFiles(db, principalOf(request).personId, `${dir}/`);
    if (found.length === 0) return reply.code(404).type('text/plain; charset=utf-8').send('Directory not found');
    const inside = found
      .map((file) => ({ ...file, path: file.path.slice(dir.length + 1) }))
      .filter(({ path }) => recurse || !path.includes('/'));
    if (queryOf(request, 'full_info') === 'true') return inside.map(fileInfo);
    if (queryOf(request, 'split') === 'true') return inside.map(({ path }) => [path, ...path.split('/')]);
    return inside.map(({ path }) => path);
  });

  server.get('/v2/userdata', async (request) => {
    const prefix = (queryOf(request, 'path') ?? '').replace(/^\/+|\/+$/g, '');
    const found = await listDoorFiles(db, principalOf(request).personId, prefix === '' ? '' : `${prefix}/`);
    const entries = new Map<string, JsonObject>();
    for (const file of found) {
      if (file.path === settingsPath) continue;
      const rest = file.path.slice(prefix === '' ? 0 : prefix.length + 1);
      const [name = '', ...deeper] = rest.split('/');
      const path = prefix === '' ? name : `${prefix}/${name}`;
      if (deeper.length > 0) entries.set(name, { name, path, type: 'directory' });
      else entries.set(name, { ...fileInfo(file), name, path, type: 'file' });
    }
    return [...entries.values()];
  });

  server.get('/userdata/*', async (request, reply) => {
    const path = pathOf(request);
    const file = path === undefined ? undefined : await readDoorFile(db, principalOf(request).personId, path);
    if (file === undefined) return reply.code(404).send();
    // Shown to nobody but the front end's scripts: as a page it would run.
    return reply
      .type(file.path.endsWith('.json') ? json : 'application/octet-stream')
      .header('content-disposition', 'attachment')
      .send(file.content);
  });

  server.post('/userdata/*', async (request, reply) => {
    const { personId } = principalOf(request);
    const overwrite = queryOf(request, 'overwrite') !== 'false';
    const fullInfo = queryOf(request, 'full_info') === 'true';
    const [from, to] = movedPaths(request);
    if (from !== undefined && to !== undefined) {
      const outcome = await moveDoorFile(db, { personId, from, to, overwrite });
      if (outcome === 'missing') return reply.code(404).send();
      if (outcome === 'exists') return reply.code(409).send('File already exists');
      const moved = fullInfo ? await readDoorFile(db, personId, to) : undefined;
      return reply.type(json).send(JSON.stringify(moved === undefined ? to : fileInfo(moved)));
    }
    const path = pathOf(request);
    if (path === undefined) return reply.code(403).send();
    const content = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const written = await writeDoorFile(db, { personId, path, content, overwrite }, userAllowance);
    if (written.outcome !== 'written') {
      return written.outcome === 'exists'
        ? reply.code(409).send('File already exists')
        : reply.code(507).send('Your space is full: delete some files');
    }
    return reply.type(json).send(JSON.stringify(fullInfo ? fileInfo(written.file) : path));
  });

  server.delete('/userdata/*', async (request, reply) => {
    const path = pathOf(request);
    const isGone = path !== undefined && (await deleteDoorFile(db, principalOf(request).personId, path));
    return reply.code(isGone ? 204 : 404).send();
  });
}

function pathOf(request: FastifyRequest): string | undefined {
  return userFilePath(decoded(paramOf(request, '*')));
}

/** `a.json/move/b.json`, each part encoded by itself. */
function movedPaths(request: FastifyRequest): [from?: string | undefined, to?: string | undefined] {
  const raw = request.url.split('?')[0] ?? '';
  const [, from, to] = /\/userdata\/([^/]+)\/move\/([^/]+)$/.exec(raw) ?? [];
  if (from === undefined || to === undefined) return [];
  return [userFilePath(decoded(from)), userFilePath(decoded(to))];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

function fileInfo({ path, bytes, modifiedAt, createdAt }: DoorFile) {
  return { path, size: bytes, modified: modifiedAt.getTime(), created: createdAt.getTime() };
}
