import { buffer } from 'node:stream/consumers';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { AppError } from '@atelier/shared/errors/app-error';
import { type EncodeOptions, encodeToFit } from './encode-to-fit.ts';
import { encodeVideoToFit } from './encode-video.ts';

/** A stored file that is to go into a message. */
export interface FileToFit {
  hash: string;
  mediaType: string;
  bytes: number;
}

export interface FitOptions {
  files: Pick<AssetStore, 'get'>;
  /** Up to this size it goes as it is. */
  maxBytes: number;
  /** How a copy of a picture is made; of at most `maxBytes`, or of less where it says so. */
  copy: Pick<EncodeOptions, 'format' | 'steps'> & { maxBytes?: number };
}

export type FittedFile =
  /** As it is, or the best copy of it that fits. */
  | { outcome: 'original' | 'copy'; bytes: Buffer; mediaType: string }
  /** It is too large, and nothing can be made of it. */
  | { outcome: 'too_large' }
  /** It has expired. */
  | { outcome: 'gone' };

/**
 * Makes a stored file fit: as it is, else a smaller WebP or JPEG of a picture, an MP4 of a video.
 *
 * @throws AppError `unavailable` where the store is away.
 */
export async function fitFile(file: FileToFit, { files, maxBytes, copy }: FitOptions): Promise<FittedFile> {
  const { mediaType } = file;
  const isPicture = mediaType.startsWith('image/') && mediaType !== 'image/svg+xml';
  const isVideo = mediaType.startsWith('video/');
  if (!isPicture && !isVideo && file.bytes > maxBytes) return { outcome: 'too_large' };
  const original = await readStored(file.hash, files);
  if (original === undefined) return { outcome: 'gone' };
  if (original.length <= maxBytes) return { outcome: 'original', bytes: original, mediaType };
  if (isPicture) {
    const { format, steps } = copy;
    const bytes = await encodeToFit(original, {
      format,
      steps,
      maxBytes: Math.min(maxBytes, copy.maxBytes ?? maxBytes),
    });
    return { outcome: 'copy', bytes, mediaType: `image/${format}` };
  }
  const video = isVideo ? await encodeVideoToFit(original, { maxBytes }) : undefined;
  return video === undefined ? { outcome: 'too_large' } : { outcome: 'copy', bytes: video, mediaType: 'video/mp4' };
}

/** @returns undefined where it has expired. */
export async function readStored(hash: string, files: Pick<AssetStore, 'get'>): Promise<Buffer | undefined> {
  try {
    return await buffer(await files.get(hash));
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}
