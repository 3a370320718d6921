import { shorten } from '@atelier/shared/text/shorten';
import type { ChatCore } from '../../../ports.ts';
import { extensionOf, pictureStem } from '../../../core/cards/picture-name.ts';
import { fitFile, readStored } from '../../../pictures/fit-file.ts';
import { shareBytes } from '../../../pictures/share-bytes.ts';
import type { AttachedFile } from '../messages/message-body.ts';

/** Discord's limit for one request is 25 MiB; the rest of it is for the message itself. */
export const maxRequestBytes = 24 * 1_024 * 1_024;
const maxFiles = 10;
const maxAltChars = 1_024;
/** Tried in this order until the picture fits: quality first, then size. */
const encodings = [
  { quality: 92, side: 8_192 },
  { quality: 82, side: 4_096 },
  { quality: 75, side: 2_048 },
  { quality: 60, side: 1_024 },
  { quality: 40, side: 512 },
] as const;

/** A file of ours, to be attached. */
export interface StoredFile {
  hash: string;
  mediaType: string;
  bytes: number;
  filename: string;
  alt: string;
  /** Stands in where the file itself does not fit. */
  thumbnailHash?: string;
}

export interface AttachOptions {
  files: ChatCore['files'];
  maxFileBytes: number;
  maxTotalBytes?: number;
  /** The smaller copies will do. */
  thumbnails?: true;
}

export interface AttachedPictures {
  files: AttachedFile[];
  /** Those that are not attached as they are: smaller, or not at all. */
  changed: StoredFile[];
}

/**
 * Reads files for a message: as they are where they fit, else as the best WebP or MP4 that does, else their thumbnail.
 * Expired ones are left out.
 *
 * @throws AppError `unavailable` where the store is away.
 */
export async function attachFiles(stored: readonly StoredFile[], options: AttachOptions): Promise<AttachedPictures> {
  const chosen = stored.slice(0, maxFiles);
  const sizes = chosen.map((file) => file.bytes);
  const shares = shareBytes(sizes, options.maxFileBytes, options.maxTotalBytes ?? maxRequestBytes);
  const files: AttachedFile[] = [];
  const changed: StoredFile[] = stored.slice(maxFiles);
  // One at a time: a decoded picture takes a hundred times its file.
  for (const [index, file] of chosen.entries()) {
    const read = await readFile(file, options, shares[index] ?? 0);
    if (read === undefined) continue;
    if (!read.isOriginal) changed.push(file);
    if (read.data === undefined) continue;
    const { data, contentType } = read;
    files.push({
      name: `${index + 1}-${pictureStem(file.filename)}.${extensionOf(contentType)}`,
      data,
      contentType,
      alt: shorten(file.alt, maxAltChars),
    });
  }
  return { files, changed };
}

interface ReadFile {
  data: Buffer | undefined;
  contentType: string;
  isOriginal: boolean;
}

/** @returns undefined where the file is gone. */
async function readFile(file: StoredFile, options: AttachOptions, maxBytes: number): Promise<ReadFile | undefined> {
  const { files, thumbnails } = options;
  const readThumbnail = async (): Promise<Buffer | undefined> =>
    file.thumbnailHash === undefined ? undefined : readStored(file.thumbnailHash, files);
  if (thumbnails === true) {
    const thumbnail = await readThumbnail();
    if (thumbnail !== undefined) return { data: thumbnail, contentType: 'image/webp', isOriginal: true };
  }
  const fitted = await fitFile(file, { files, maxBytes, copy: { format: 'webp', steps: encodings } });
  if (fitted.outcome === 'gone') return undefined;
  if (fitted.outcome === 'too_large') {
    return { data: await readThumbnail(), contentType: 'image/webp', isOriginal: false };
  }
  return { data: fitted.bytes, contentType: fitted.mediaType, isOriginal: fitted.outcome === 'original' };
}
