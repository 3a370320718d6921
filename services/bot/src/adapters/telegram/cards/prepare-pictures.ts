import { buffer } from 'node:stream/consumers';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CardImage } from '../../../core/cards/job-card.ts';
import { extensionOf, pictureStem } from '../../../core/cards/picture-name.ts';
import { encodeToFit } from '../../../pictures/encode-to-fit.ts';
import type { ChatCore } from '../../../ports.ts';
import type { Upload } from '../api/telegram-calls.ts';

/** https://core.telegram.org/bots/api#sendphoto and #sending-files */
const maxPhotoBytes = 10 * 1_000_000;
const maxPhotoSidesTogether = 10_000;
const maxPhotoRatio = 20;
const maxDocumentBytes = 50 * 1_000_000;
/** One upload's body, with some room for the rest of it. */
const maxUploadBytes = 48 * 1_000_000;
const photoTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/webp']);
/** Tried in this order until the picture fits: quality first, then size. */
const encodings = [
  { quality: 92, side: 4_096 },
  { quality: 82, side: 4_096 },
  { quality: 80, side: 2_560 },
  { quality: 70, side: 1_280 },
] as const;

export interface PreparedPictures {
  /** All of one kind, as an album demands. */
  files: Upload[];
  /** Some are smaller copies, because the originals are larger than Telegram takes. */
  reencoded: boolean;
}

export interface PrepareOptions {
  files: ChatCore['files'];
  /** `photo`: shown in the chat where possible. `document`: the original bytes. */
  as: 'photo' | 'document';
}

/**
 * Reads pictures for a message: photos where Telegram shows them as such, else documents with the original bytes, else
 * smaller copies. Files that have expired are left out.
 *
 * @throws AppError `unavailable` where the store is away.
 */
export async function preparePictures(
  images: readonly CardImage[],
  options: PrepareOptions,
): Promise<PreparedPictures> {
  const read: { image: CardImage; bytes: Buffer }[] = [];
  for (const image of images) {
    const bytes = await readFile(options.files, image.hash);
    if (bytes !== undefined) read.push({ image, bytes });
  }
  const totalBytes = read.reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (options.as === 'photo' && totalBytes <= maxUploadBytes && read.every(fitsPhoto)) {
    return { files: read.map(({ image, bytes }, index) => asIs('photo', image, bytes, index)), reencoded: false };
  }
  if (totalBytes <= maxUploadBytes && read.every(({ bytes }) => bytes.length <= maxDocumentBytes)) {
    return { files: read.map(({ image, bytes }, index) => asIs('document', image, bytes, index)), reencoded: false };
  }
  const maxBytes = Math.min(maxPhotoBytes, Math.floor(maxUploadBytes / Math.max(1, read.length)));
  const files: Upload[] = [];
  // One at a time: a decoded picture takes a hundred times its file.
  for (const [index, { image, bytes }] of read.entries()) {
    files.push({
      kind: options.as,
      name: `${index + 1}-${pictureStem(image.filename)}.jpg`,
      bytes: await encodeToFit(bytes, { format: 'jpeg', maxBytes, steps: encodings }),
    });
  }
  return { files, reencoded: true };
}

async function readFile(files: ChatCore['files'], hash: string): Promise<Buffer | undefined> {
  try {
    return await buffer(await files.get(hash));
  } catch (error) {
    if (error instanceof AppError && error.code === 'not_found') return undefined;
    throw error;
  }
}

function fitsPhoto({ image, bytes }: { image: CardImage; bytes: Buffer }): boolean {
  const { width, height, mediaType } = image;
  if (!photoTypes.has(mediaType) || bytes.length > maxPhotoBytes) return false;
  // What says nothing of its size was made by no workflow of ours that draws larger ones.
  if (width === undefined || height === undefined) return true;
  return width + height <= maxPhotoSidesTogether && Math.max(width / height, height / width) <= maxPhotoRatio;
}

function asIs(kind: Upload['kind'], image: CardImage, bytes: Buffer, index: number): Upload {
  return { kind, bytes, name: `${index + 1}-${pictureStem(image.filename)}.${extensionOf(image.mediaType)}` };
}
