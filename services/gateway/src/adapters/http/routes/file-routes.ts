import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { uuidSchema } from '@atelier/shared/contracts/identity';
import { assetRefSchema } from '@atelier/shared/contracts/request';
import { findApiFile, findOutputFile, listApiFiles, listOutputFiles } from '@atelier/shared/db/gateway/api-files';
import { fileFolderSchema, parseFilePath } from '../../../core/file-name.ts';
import type { Principal } from '../../../core/principal.ts';
import { problem } from '../../../core/problems/to-problem.ts';
import { noSuchFile, sendFile } from '../../files/send-file.ts';
import { uploadImage } from '../../files/take-in-image.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import { lifetime, linkSchema, linkTo } from './asset-routes.ts';
import type { RouteDeps } from './route-deps.ts';

const fileQuery = z.object({
  filename: z.string().min(1).max(300),
  subfolder: z.string().max(300).optional(),
  type: fileFolderSchema.default('output'),
});
const fileSchema = z
  .object({
    name: z.string().describe('Under which workflows find it; it may differ from what was sent'),
    subfolder: z.string(),
    type: z.string(),
    bytes: z.int(),
    url: z.string(),
    image: assetRefSchema.describe('Goes into `images`, `mask` and `references` of requests'),
  })
  .meta({ id: 'File' });
const uploadFieldsSchema = z.strictObject({
  overwrite: z.enum(['true', 'false', '1', '0']).default('false'),
  subfolder: z.string().max(300).optional(),
  type: z.enum(['input', 'temp']).default('input'),
});

/** Pictures and other files by their names: uploads, lists, downloads. */
export function registerFileRoutes(server: GatewayServer, deps: RouteDeps): void {
  const { parts } = deps;
  const { db, files } = parts;

  async function findNamed(
    principal: Principal,
    query: z.infer<typeof fileQuery>,
  ): Promise<{ hash: string; mediaType: string; filename: string }> {
    const path = parseFilePath({ filename: query.filename, subfolder: query.subfolder, folder: query.type });
    const { personId } = principal;
    // Names repeat between runs and servers: `history` gives the run's id as the subfolder.
    const requestId = uuidSchema.safeParse(path.subfolder);
    const found =
      path.folder === 'output'
        ? await findOutputFile(db, {
            personId,
            filename: path.filename,
            ...(requestId.success ? { requestId: requestId.data } : {}),
          })
        : await findApiFile(db, { personId, ...path });
    if (found === undefined) throw noSuchFile();
    return found;
  }

  server.post(
    '/api/v1/images/upload',
    {
      config: { scope: 'submit' },
      schema: {
        tags: ['files'],
        summary: 'Upload a picture or a mask as multipart/form-data; it is checked and encoded anew',
        response: {
          201: fileSchema,
          ...problems('FILE_OPERATION_ERROR', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'),
        },
      },
    },
    async (request, reply) => {
      const { account } = principalOf(request);
      const { sent, overwrite, subfolder, type } = await readUpload(request);
      const path = parseFilePath({ filename: sent.filename, subfolder, folder: type });
      const file = await uploadImage(parts, {
        account,
        path,
        bytes: sent.bytes,
        overwrite: overwrite === 'true' || overwrite === '1',
      });
      reply.code(201);
      return toListed(file, file.folder);
    },
  );

  server.get(
    '/api/v1/images/download',
    {
      schema: {
        tags: ['files'],
        summary: 'A file by its name; ranges are served',
        querystring: fileQuery,
        response: problems('IMAGE_NOT_FOUND', 'FILE_OPERATION_ERROR', 'RANGE_NOT_SATISFIABLE'),
      },
    },
    async (request, reply) => {
      const { hash, mediaType, filename } = await findNamed(principalOf(request), request.query);
      // The name may stand for other bytes later.
      return sendFile(request, reply, files, { hash, mediaType, download: filename, maxAgeSeconds: 0 });
    },
  );

  server.get(
    '/api/v1/images/url',
    {
      schema: {
        tags: ['files'],
        summary: 'A link to a file by its name, for whoever has it, until it expires',
        querystring: fileQuery.extend(lifetime),
        response: { 200: linkSchema, ...problems('IMAGE_NOT_FOUND', 'FILE_OPERATION_ERROR') },
      },
    },
    async (request) => {
      const { hash, filename } = await findNamed(principalOf(request), request.query);
      return linkTo(deps, { hash, name: filename, seconds: request.query.expires_in });
    },
  );

  server.get(
    '/api/v1/images',
    {
      schema: {
        tags: ['files'],
        summary: 'My uploads, or what my jobs put out, newest first',
        querystring: z.object({
          type: fileFolderSchema.default('input'),
          limit: z.coerce.number().int().min(1).max(500).default(100),
        }),
        response: { 200: z.object({ files: z.array(fileSchema) }), ...problems() },
      },
    },
    async (request) => {
      const { type, limit } = request.query;
      const { personId } = principalOf(request);
      const listed =
        type === 'output'
          ? (await listOutputFiles(db, { personId, limit })).map((file) => ({ ...file, subfolder: file.requestId }))
          : await listApiFiles(db, { personId, folder: type, limit });
      return { files: listed.map((file) => toListed(file, type)) };
    },
  );
}

function toListed(
  file: { filename: string; subfolder: string; bytes: number; hash: string; mediaType: string },
  type: string,
): z.infer<typeof fileSchema> {
  const { filename: name, subfolder, bytes, hash, mediaType } = file;
  return { name, subfolder, type, bytes, url: `/api/v1/assets/${hash}`, image: { hash, mediaType, name } };
}

interface Upload extends z.infer<typeof uploadFieldsSchema> {
  sent: { bytes: Buffer; filename: string };
}

/** @throws AppError (`VALIDATION_ERROR`) for another form than that of an upload. */
async function readUpload(request: FastifyRequest): Promise<Upload> {
  const fields: Record<string, unknown> = {};
  let sent: Upload['sent'] | undefined;
  for await (const part of request.parts()) {
    if (part.type === 'field') fields[part.fieldname] = part.value;
    else if (part.fieldname === 'file' || part.fieldname === 'image') {
      sent = { bytes: await part.toBuffer(), filename: part.filename };
    } else part.file.resume();
  }
  const options = uploadFieldsSchema.safeParse(fields);
  if (options.success && sent !== undefined && sent.bytes.length > 0) return { ...options.data, sent };
  throw problem(
    'VALIDATION_ERROR',
    'Send a part `file`, and at most the fields overwrite, subfolder and type.',
    '请发送 `file` 部分，且仅可附带 overwrite、subfolder 和 type 字段。',
  );
}
