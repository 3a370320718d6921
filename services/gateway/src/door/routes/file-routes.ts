import { buffer } from 'node:stream/consumers';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import { findApiFile, findOutputFile } from '@atelier/shared/db/gateway/api-files';
import { AppError } from '@atelier/shared/errors/app-error';
import { fileFolderSchema, parseFilePath } from '../../core/file-name.ts';
import type { Principal } from '../../core/principal.ts';
import { sendFile } from '../../adapters/files/send-file.ts';
import { uploadImage } from '../../adapters/files/take-in-image.ts';
import { principalOf, queryOf, type DoorContext, type DoorServerInstance } from '../door-context.ts';
import { applyMask, editForView, wantsAnother } from '../picture-edits.ts';

/** Files beyond this are sent as they are, whatever is asked. */
const maxEditedBytes = 64 * 1_024 * 1_024;

interface FoundFile {
  hash: string;
  mediaType: string;
  bytes: number;
}

interface Upload {
  fields: ReadonlyMap<string, string>;
  image: { bytes: Buffer; filename: string } | undefined;
}

/** Files: a person's own outputs and uploads. Another's is as if it were not there. */
export function registerFileRoutes(server: DoorServerInstance, { parts }: DoorContext): void {
  const { db, files } = parts;

  async function find(
    { personId }: Principal,
    name: string,
    subfolder: string,
    type: string,
  ): Promise<FoundFile | undefined> {
    const folder = fileFolderSchema.safeParse(type === '' ? 'output' : type);
    if (!folder.success) return undefined;
    const requestId = uuidSchema.safeParse(subfolder);
    // Previews of a run stand in its folder, as its outputs do.
    if (folder.data === 'output' || (folder.data === 'temp' && requestId.success)) {
      const { filename } = parseFilePath({ filename: name, subfolder, folder: folder.data });
      return findOutputFile(db, { personId, filename, ...(requestId.success ? { requestId: requestId.data } : {}) });
    }
    return findApiFile(db, { personId, ...parseFilePath({ filename: name, subfolder, folder: folder.data }) });
  }

  server.get('/view', async (request, reply) => {
    const filename = queryOf(request, 'filename');
    if (filename === undefined) return reply.code(404).send();
    return answerFiles(reply, async () => {
      const subfolder = queryOf(request, 'subfolder') ?? '';
      const found = await find(principalOf(request), filename, subfolder, queryOf(request, 'type') ?? '');
      if (found === undefined) return reply.code(404).send();
      const { hash, mediaType } = found;
      const wish = { preview: queryOf(request, 'preview'), channel: queryOf(request, 'channel') };
      if (!wantsAnother(wish) || !mediaType.startsWith('image/') || found.bytes > maxEditedBytes) {
        return sendFile(request, reply, files, { hash, mediaType, maxAgeSeconds: 60 });
      }
      const edited = await editForView(await buffer(await files.get(hash)), wish);
      return reply.type(edited.mediaType).header('cache-control', 'private, max-age=60').send(edited.bytes);
    });
  });

  server.post('/upload/image', async (request, reply) =>
    answerFiles(reply, async () => {
      const { fields, image } = await readUpload(request);
      if (image === undefined) return reply.code(400).send();
      return keep(principalOf(request), fields, image.filename, image.bytes, reply);
    }),
  );

  server.post('/upload/mask', async (request, reply) =>
    answerFiles(reply, async () => {
      const principal = principalOf(request);
      const { fields, image } = await readUpload(request);
      const ref = originalOf(fields.get('original_ref'));
      if (image === undefined || ref === undefined) return reply.code(400).send();
      const original = await find(principal, ref.filename, ref.subfolder, ref.type);
      if (original === undefined || original.bytes > maxEditedBytes) return reply.code(404).send();
      const masked = await applyMask(await buffer(await files.get(original.hash)), image.bytes);
      return keep(principal, fields, image.filename, masked, reply);
    }),
  );

  async function keep(
    principal: Principal,
    fields: ReadonlyMap<string, string>,
    filename: string,
    bytes: Buffer,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const folder = fileFolderSchema.safeParse(fields.get('type') ?? 'input');
    if (filename === '' || !folder.success) return reply.code(400).send();
    // What is uploaded never stands among results.
    const kept = folder.data === 'temp' ? 'temp' : 'input';
    const overwrite = ['true', '1'].includes(fields.get('overwrite') ?? '');
    const path = parseFilePath({ filename, subfolder: fields.get('subfolder') ?? '', folder: kept });
    const file = await uploadImage(parts, { account: principal.account, path, bytes, overwrite });
    return reply.send({ name: file.filename, subfolder: file.subfolder, type: file.folder });
  }
}

async function readUpload(request: FastifyRequest): Promise<Upload> {
  const fields = new Map<string, string>();
  let image: Upload['image'];
  if (!request.isMultipart()) return { fields, image };
  for await (const part of request.parts()) {
    if (part.type === 'field') fields.set(part.fieldname, String(part.value));
    else if (part.fieldname === 'image') image = { bytes: await part.toBuffer(), filename: part.filename };
    else part.file.resume();
  }
  return { fields, image };
}

/** What a mask was painted on. */
function originalOf(text: string | undefined): { filename: string; subfolder: string; type: string } | undefined {
  let ref;
  try {
    ref = parseJson(text ?? '', { maxDepth: 5, maxValues: 50 });
  } catch {
    return undefined;
  }
  if (!isJsonObject(ref)) return undefined;
  const { filename, subfolder = '', type = 'output' } = ref;
  return typeof filename === 'string' && typeof subfolder === 'string' && typeof type === 'string'
    ? { filename, subfolder, type }
    : undefined;
}

/** A bad name and a missing file are answered as ComfyUI does: without a word. */
async function answerFiles(reply: FastifyReply, work: () => Promise<FastifyReply>): Promise<FastifyReply> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_input') return reply.code(400).send();
    if (error instanceof AppError && error.code === 'not_found') return reply.code(404).send();
    throw error;
  }
}
