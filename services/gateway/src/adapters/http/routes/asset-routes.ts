import { z } from 'zod';
import { assetHashSchema } from '@atelier/shared/contracts/request';
import { readVisibleMediaType } from '@atelier/shared/db/gateway/api-files';
import { readOutputMediaType } from '@atelier/shared/db/jobs/read-jobs';
import { isValidLink, signLink } from '../../../core/signed-link.ts';
import { noSuchFile, sendFile } from '../../files/send-file.ts';
import { principalOf, problems, type GatewayServer } from '../gateway-server.ts';
import type { RouteDeps } from './route-deps.ts';

const hashParams = z.object({ hash: assetHashSchema });
/** How long a link holds, as a query says it. */
export const lifetime = {
  expires_in: z.coerce.number().int().min(1).max(604_800).default(3_600).describe('Seconds'),
};
export const linkSchema = z
  .object({ url: z.string().describe('Works without a token until it expires'), expiresAt: z.iso.datetime() })
  .meta({ id: 'SignedLink' });

/** A link to a file for whoever has it. */
export function linkTo(
  { parts, linkKey, publicUrl }: Pick<RouteDeps, 'parts' | 'linkKey' | 'publicUrl'>,
  { hash, name, seconds }: { hash: string; name: string | undefined; seconds: number },
): z.infer<typeof linkSchema> {
  const expiresAtMs = parts.now() + seconds * 1_000;
  const query = signLink(linkKey, { hash, expiresAtMs, name });
  return { url: `${publicUrl()}/files/${hash}?${query.toString()}`, expiresAt: new Date(expiresAtMs).toISOString() };
}

/** Files by their hashes, and links that expire. */
export function registerAssetRoutes(server: GatewayServer, deps: RouteDeps): void {
  const { parts, linkKey } = deps;
  const { db, files } = parts;

  server.get(
    '/api/v1/assets/:hash',
    {
      schema: {
        tags: ['files'],
        summary: 'A file by its hash; ranges are served',
        params: hashParams,
        querystring: z.object({ download: z.string().max(200).optional() }),
        response: problems('IMAGE_NOT_FOUND', 'NOT_FOUND', 'RANGE_NOT_SATISFIABLE'),
      },
    },
    async (request, reply) => {
      const { hash } = request.params;
      const mediaType = await readVisibleMediaType(db, principalOf(request).personId, hash);
      if (mediaType === undefined) throw noSuchFile();
      return sendFile(request, reply, files, { hash, mediaType, download: request.query.download });
    },
  );

  server.get(
    '/api/v1/assets/:hash/url',
    {
      schema: {
        tags: ['files'],
        summary: 'A link to a file, for whoever has it, until it expires',
        params: hashParams,
        querystring: z.object({ ...lifetime, name: z.string().max(200).optional() }),
        response: { 200: linkSchema, ...problems('IMAGE_NOT_FOUND', 'NOT_FOUND') },
      },
    },
    async (request) => {
      const { hash } = request.params;
      const mediaType = await readVisibleMediaType(db, principalOf(request).personId, hash);
      if (mediaType === undefined) throw noSuchFile();
      return linkTo(deps, { hash, name: request.query.name, seconds: request.query.expires_in });
    },
  );

  server.get(
    '/files/:hash',
    {
      config: { isPublic: true },
      schema: {
        tags: ['files'],
        summary: 'What a signed link points to',
        security: [],
        params: hashParams,
        querystring: z.object({
          expires: z.string().regex(/^\d{1,12}$/),
          name: z.string().max(300).optional(),
          signature: z.string().max(100),
        }),
        response: problems('IMAGE_NOT_FOUND', 'NOT_FOUND', 'RANGE_NOT_SATISFIABLE'),
      },
    },
    async (request, reply) => {
      const { hash } = request.params;
      const { query } = request;
      if (!isValidLink(linkKey, hash, query, parts.now())) throw noSuchFile();
      const mediaType = await readOutputMediaType(db, hash);
      if (mediaType === undefined) throw noSuchFile();
      const left = Math.max(0, Number(query.expires) - Math.floor(parts.now() / 1_000));
      reply.header('x-robots-tag', 'noindex');
      return sendFile(request, reply, files, { hash, mediaType, download: query.name, maxAgeSeconds: left });
    },
  );
}
