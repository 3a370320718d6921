import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { AppError } from '@atelier/shared/errors/app-error';
import type { OutputStore } from '../ports.ts';

/** Of the longer side: sharp enough on the page, a fraction of the original's bytes. */
const thumbnailPixels = 768;
/** 16,384 by 16,384: more than any model makes, less than what a decoder must not be given. */
const maxInputPixels = 268_435_456;

/** A decoder holds the whole file: larger ones are kept and handed over without a thumbnail. */
const maxDecodedBytes = 67_108_864;

/** What sharp calls the formats that are pictures of pixels: SVG and PDF, which it can draw too, are not. */
const typesByFormat: Record<string, string> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  tiff: 'image/tiff',
  heif: 'image/avif',
};

const typesByExtension: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  mp4: 'video/mp4',
  webm: 'video/webm',
  wav: 'audio/wav',
  flac: 'audio/flac',
  mp3: 'audio/mpeg',
  glb: 'model/gltf-binary',
  txt: 'text/plain',
};

/** {@link OutputStore} from ComfyUI into the asset store. */
export function createOutputStore(
  client: Pick<ComfyClient, 'view'>,
  assets: AssetStore,
  maxBytes: number,
): OutputStore {
  return {
    async store(file, index, signal) {
      const guessed = typesByExtension[file.filename.split('.').at(-1)?.toLowerCase() ?? ''];
      const { body } = await client.view(file, { signal });
      const stored = await assets.put(Readable.fromWeb(body), {
        mediaType: guessed ?? 'application/octet-stream',
        maxBytes,
      });
      if (stored.bytes === 0) throw new ComfyError('refused', `ComfyUI gave ${file.filename} without a single byte.`);
      const mayBePicture = (guessed ?? 'image/').startsWith('image/') && stored.bytes <= maxDecodedBytes;
      const picture = mayBePicture ? await describePicture(assets, stored.hash) : undefined;
      return {
        index,
        hash: stored.hash,
        mediaType: picture?.mediaType ?? guessed ?? 'application/octet-stream',
        bytes: stored.bytes,
        ...(picture === undefined
          ? {}
          : { width: picture.width, height: picture.height, thumbnailHash: picture.thumbnailHash }),
        nodeId: file.nodeId,
        filename: file.filename,
      };
    },
  };
}

interface Picture {
  mediaType: string;
  width: number;
  height: number;
  thumbnailHash: string;
}

/** Size, true type and thumbnail of a stored picture; `undefined` for what is none, or is broken: it is kept as it is. */
async function describePicture(assets: AssetStore, hash: string): Promise<Picture | undefined> {
  const bytes = await readBack(assets, hash);
  const decoder = sharp(bytes, { limitInputPixels: maxInputPixels, failOn: 'error' });
  let picture: { mediaType: string; width: number; height: number; thumbnail: Buffer };
  try {
    const { format, width, height } = await decoder.metadata();
    const mediaType = typesByFormat[format];
    if (mediaType === undefined) return undefined;
    const thumbnail = await decoder
      .resize(thumbnailPixels, thumbnailPixels, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .toBuffer();
    picture = { mediaType, width, height, thumbnail };
  } catch {
    return undefined;
  }
  const { thumbnail, ...described } = picture;
  const stored = await assets.put(thumbnail, { mediaType: 'image/webp', maxBytes: thumbnail.byteLength });
  return { ...described, thumbnailHash: stored.hash };
}

async function readBack(assets: AssetStore, hash: string): Promise<Buffer> {
  const source = await assets.get(hash);
  try {
    return await buffer(source);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('unavailable', 'a stored file could not be read back', { cause });
  }
}
