import { Readable } from 'node:stream';
import sharp from 'sharp';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { OutputStore } from '../ports.ts';

/** Of the longer side: sharp enough on the page, a fraction of the original's bytes. */
const thumbnailPixels = 768;
/** 16,384 by 16,384: more than any model makes, less than what a decoder must not be given. */
const maxInputPixels = 268_435_456;

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
      const picture = await describePicture(assets, stored.hash);
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

/** Size, true type and thumbnail of a stored picture; `undefined` for what is none. */
async function describePicture(assets: AssetStore, hash: string): Promise<Picture | undefined> {
  const source = await assets.get(hash);
  const decoder = sharp({ limitInputPixels: maxInputPixels, failOn: 'error' });
  source.on('error', (error) => decoder.destroy(error));
  source.pipe(decoder);
  try {
    const described = decoder.clone().metadata();
    const resized = decoder
      .clone()
      .resize(thumbnailPixels, thumbnailPixels, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .toBuffer();
    const [metadata, thumbnail] = await Promise.all([described, resized]);
    const stored = await assets.put(thumbnail, { mediaType: 'image/webp', maxBytes: thumbnail.byteLength });
    return {
      mediaType: `image/${metadata.format}`,
      width: metadata.width,
      height: metadata.height,
      thumbnailHash: stored.hash,
    };
  } catch (error) {
    // Not a picture, or one that is broken: it is kept and handed over as it is. Trouble of the store itself is thrown.
    if (error instanceof Error && error.name === 'AppError') throw error;
    return undefined;
  } finally {
    source.destroy();
  }
}
