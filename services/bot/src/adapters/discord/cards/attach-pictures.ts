import { buffer } from 'node:stream/consumers';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CardImage } from '../../../core/cards/job-card.ts';
import type { ChatCore } from '../../../ports.ts';
import type { AttachedFile } from '../messages/message-body.ts';
import { extensionOf, pictureStem } from '../../../core/cards/picture-name.ts';
import { encodeToFit } from '../../../pictures/encode-to-fit.ts';
import { shorten } from '../../../core/cards/shorten.ts';

/** Discord's limit for one request is 25 MiB; the rest of it is for the message itself. */
export const maxRequestBytes = 24 * 1_024 * 1_024;
const maxFiles = 10;
const maxAltChars = 1_024;
/** Tried in this order until the file fits: quality first, then size. */
const encodings = [
  { quality: 92, side: 8_192 },
  { quality: 82, side: 4_096 },
  { quality: 75, side: 2_048 },
  { quality: 60, side: 1_024 },
  { quality: 40, side: 512 },
] as const;

export interface AttachOptions {
  files: ChatCore['files'];
  maxFileBytes: number;
  maxTotalBytes?: number;
}

export interface AttachedPictures {
  files: AttachedFile[];
  /** Some were too large and are a WebP instead. */
  reencoded: boolean;
}

/**
 * Reads pictures for a message: as they are where they fit, else as the best WebP that does. Expired ones are left out.
 *
 * @throws AppError `unavailable` where the store is away.
 */
export async function attachPictures(images: readonly CardImage[], options: AttachOptions): Promise<AttachedPictures> {
  const chosen = images.slice(0, maxFiles);
  const maxTotalBytes = options.maxTotalBytes ?? maxRequestBytes;
  const totalBytes = chosen.reduce((sum, image) => sum + image.bytes, 0);
  const share = Math.floor(maxTotalBytes / Math.max(1, chosen.length));
  const maxBytes = totalBytes <= maxTotalBytes ? options.maxFileBytes : Math.min(options.maxFileBytes, share);
  const files: AttachedFile[] = [];
  let reencoded = false;
  // One at a time: a decoded picture takes a hundred times its file.
  for (const [index, image] of chosen.entries()) {
    const original = await readOriginal(image.hash, options.files);
    if (original === undefined) continue;
    const fits = original.length <= maxBytes;
    if (!fits) reencoded = true;
    const stem = `${index + 1}-${pictureStem(image.filename)}`;
    files.push({
      name: fits ? `${stem}.${extensionOf(image.mediaType)}` : `${stem}.webp`,
      data: fits ? original : await encodeToFit(original, { format: 'webp', maxBytes, steps: encodings }),
      contentType: fits ? image.mediaType : 'image/webp',
      alt: shorten(image.alt, maxAltChars),
    });
  }
  return { files, reencoded };
}

async function readOriginal(hash: string, files: AttachOptions['files']): Promise<Buffer | undefined> {
  try {
    return await buffer(await files.get(hash));
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}
