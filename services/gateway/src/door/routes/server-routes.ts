import type { FastifyRequest } from 'fastify';
import { listApiFiles } from '@atelier/shared/db/gateway/api-files';
import { hasScope, type Principal } from '../../core/principal.ts';
import { writeObjectInfo } from '../core/object-info.ts';
import type { DoorConfig } from '../door-config.ts';
import { answerJson, paramOf, principalOf, type DoorContext, type DoorServerInstance } from '../door-context.ts';

/** What `feature_flags` and `/features` say. */
export function serverFeatures(config: Pick<DoorConfig, 'maxUploadBytes'>) {
  return { supports_preview_metadata: true, max_upload_size: config.maxUploadBytes } as const;
}
const maxUploads = 500;

/** What the server is and has. */
export function registerServerRoutes(server: DoorServerInstance, context: DoorContext): void {
  const { catalog, parts, doorDesk, queue } = context;

  async function uploadsOf({ personId }: Principal): Promise<string[]> {
    const files = await listApiFiles(parts.db, { personId, folder: 'input', limit: maxUploads });
    return files
      .map(({ subfolder, filename }) => (subfolder === '' ? filename : `${subfolder}/${filename}`))
      .toSorted();
  }

  const modelsOf = (request: FastifyRequest) => catalog.models(principalOf(request).personId);

  server.get('/object_info', async (request, reply) => {
    const principal = principalOf(request);
    const [info, files] = await Promise.all([catalog.objectInfo(principal.personId), uploadsOf(principal)]);
    return answerJson(reply, writeObjectInfo(info, files));
  });
  server.get('/object_info/:name', async (request, reply) => {
    const principal = principalOf(request);
    const [info, files] = await Promise.all([catalog.objectInfo(principal.personId), uploadsOf(principal)]);
    return answerJson(reply, writeObjectInfo(info, files, paramOf(request, 'name')));
  });
  server.get('/system_stats', async (request) => catalog.systemStats(principalOf(request).personId));
  server.get('/features', async () => serverFeatures(context.config));
  server.get('/models', async (request) => [...(await modelsOf(request)).keys()]);
  server.get('/models/:folder', async (request, reply) => {
    const names = (await modelsOf(request)).get(paramOf(request, 'folder'));
    return names === undefined ? reply.code(404).send() : names;
  });
  server.get('/embeddings', async (request) =>
    ((await modelsOf(request)).get('embeddings') ?? []).map((name) => name.replace(/\.[^.]*$/, '')),
  );

  /** For the line above the front end: where the person's work stands. */
  server.get('/atelier/queue', async (request) => {
    const principal = principalOf(request);
    const [open, view] = await Promise.all([
      doorDesk.read({ personId: principal.personId, finished: false, limit: 100 }),
      queue.read(),
    ]);
    const waiting = open.flatMap(({ prompt }) => view.waiting.get(prompt.requestId) ?? []);
    const first = waiting.toSorted((a, b) => a.position - b.position)[0];
    return {
      name: principal.displayName,
      mine: open.length,
      ...(first === undefined ? {} : { first }),
      isAdmin: hasScope(principal, 'admin'),
    };
  });
}
