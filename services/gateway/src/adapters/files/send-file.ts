import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { parseRange } from '@atelier/shared/assets/parse-range';
import { problem } from '../../core/problems/to-problem.ts';

/** Types that a browser shows and that cannot run anything. All else is downloaded. */
const shown = /^(image\/(png|jpeg|webp|gif|avif)|video\/(mp4|webm)|audio\/(mpeg|ogg|wav|flac))$/;

export interface SentFile {
  hash: string;
  mediaType: string;
  /** Saved under this name; without one it is shown where that is safe. */
  download?: string | undefined;
  /** Seconds that a browser may keep it. */
  maxAgeSeconds?: number;
}

/**
 * Streams a stored file: whole, a range of it, or 304. The hash is the content, so it is its entity tag.
 *
 * @throws AppError `IMAGE_NOT_FOUND`, `RANGE_NOT_SATISFIABLE`
 */
export async function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  files: Pick<AssetStore, 'get' | 'head'>,
  file: SentFile,
): Promise<FastifyReply> {
  const { hash, mediaType } = file;
  const etag = `"${hash}"`;
  const age = file.maxAgeSeconds ?? 31_536_000;
  reply.headers({ 'cache-control': `private, max-age=${age}, immutable`, etag, 'accept-ranges': 'bytes' });
  if (request.headers['if-none-match'] === etag) return reply.code(304).send();
  const size = (await files.head(hash))?.bytes;
  if (size === undefined) throw noSuchFile();
  const safe = shown.test(mediaType);
  reply.type(safe ? mediaType : 'application/octet-stream');
  reply.header('content-disposition', disposition(safe && file.download === undefined, file.download));
  const fresh = request.headers['if-range'] === undefined || request.headers['if-range'] === etag;
  const range = fresh ? parseRange(request.headers.range, size) : undefined;
  if (range === 'unsatisfiable') {
    reply.header('content-range', `bytes */${size}`).header('cache-control', 'no-store');
    throw problem(
      'RANGE_NOT_SATISFIABLE',
      `This file has ${size} bytes: ask for a range within it.`,
      `该文件共 ${size} 字节：请请求其中的范围。`,
    );
  }
  if (range === undefined) {
    reply.header('content-length', size);
    if (request.method === 'HEAD') return reply.send();
    return reply.send(await files.get(hash));
  }
  reply.code(206).headers({
    'content-length': range.end - range.start + 1,
    'content-range': `bytes ${range.start}-${range.end}/${size}`,
  });
  if (request.method === 'HEAD') return reply.send();
  return reply.send(await files.get(hash, range));
}

export function noSuchFile() {
  return problem('IMAGE_NOT_FOUND', 'You have no such file, or it has expired.', '没有属于你的此文件，或文件已过期。');
}

function disposition(inline: boolean, download: string | undefined): string {
  if (inline) return 'inline';
  const name = (download ?? '').replaceAll(/[^\p{L}\p{N}._ ()-]/gu, '').trim();
  return name === '' ? 'attachment' : `attachment; filename*=UTF-8''${encodeURIComponent(name)}`;
}
