import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { AppError } from '@atelier/shared/errors/app-error';
import { parseRange } from '@atelier/shared/assets/parse-range';
import type { SignedFiles } from './signed-files.ts';
import { assetParamsSchema, assetQuerySchema, signedParamsSchema } from './web-schemas.ts';

/** Types that a browser shows and that cannot run anything. All else is downloaded. */
const shown = /^(image\/(png|jpeg|webp|gif|avif)|video\/(mp4|webm)|audio\/(mpeg|ogg|wav|flac))$/;
const cacheForEver = 'private, max-age=31536000, immutable';

interface AssetRoutesDeps {
  files: Pick<AssetStore, 'get' | 'head'>;
  mediaTypeOf: (hash: string) => Promise<string | undefined>;
  signed: SignedFiles;
}

/** Serves stored files by hash: only those that a job put out or a person handed in. The hash is the content, so caches keep it. */
export function registerAssetRoutes(server: FastifyInstance, deps: AssetRoutesDeps): void {
  server.get('/api/assets/:hash', async (request, reply) => {
    const params = assetParamsSchema.safeParse(request.params);
    const query = assetQuerySchema.safeParse(request.query);
    if (!params.success || !query.success) throw new AppError('not_found', 'not the address of a file');
    return serve(request, reply, params.data.hash, query.data.download);
  });

  // For who was sent a link by a chat, and for nobody else's files.
  server.get('/files/:hash/:signature/:name', { config: { isPublic: true } }, async (request, reply) => {
    const params = signedParamsSchema.safeParse(request.params);
    if (!params.success || !deps.signed.isSigned(params.data.hash, params.data.signature)) {
      throw new AppError('not_found', 'not the address of a file');
    }
    return serve(request, reply, params.data.hash, undefined);
  });

  async function serve(
    request: FastifyRequest,
    reply: FastifyReply,
    hash: string,
    download: string | undefined,
  ): Promise<FastifyReply> {
    const etag = `"${hash}"`;
    const mediaType = await deps.mediaTypeOf(hash);
    if (mediaType === undefined) throw new AppError('not_found', 'no such file');
    reply.headers({ 'cache-control': cacheForEver, etag, 'accept-ranges': 'bytes' });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    const size = (await deps.files.head(hash))?.bytes;
    if (size === undefined) throw new AppError('not_found', 'the file is gone');

    const inline = shown.test(mediaType) && download === undefined;
    reply.type(inline || shown.test(mediaType) ? mediaType : 'application/octet-stream');
    reply.header('content-disposition', disposition(inline, download));
    const range = parseRange(request.headers.range, size);
    if (range === 'unsatisfiable') {
      return reply.code(416).header('content-range', `bytes */${size}`).send();
    }
    if (range === undefined) {
      reply.header('content-length', size);
      return reply.send(await deps.files.get(hash));
    }
    reply.code(206).headers({
      'content-length': range.end - range.start + 1,
      'content-range': `bytes ${range.start}-${range.end}/${size}`,
    });
    return reply.send(await deps.files.get(hash, range));
  }
}

function disposition(inline: boolean, download: string | undefined): string {
  if (inline) return 'inline';
  const name = (download ?? '').replace(/[^\p{L}\p{N}._ -]/gu, '').trim();
  return name === '' ? 'attachment' : `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
}
