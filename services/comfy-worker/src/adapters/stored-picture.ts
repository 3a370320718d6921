import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { AppError } from '@atelier/shared/errors/app-error';

/** Of the longer side: sharp enough on the page, a fraction of the original's bytes. */
const thumbnailPixels = 768;
/** 16,384 by 16,384: more than any model makes, less than what a decoder must not be given. */
const maxInputPixels = 268_435_456;

/** What sharp calls the formats that are pictures of pixels: SVG and PDF, which it can draw too, are not. */
const pixelFormats: ReadonlySet<string> = new Set(['png', 'jpeg', 'webp', 'gif', 'tiff', 'heif']);

export interface StoredPicture {
  width: number;
  height: number;
  thumbnailHash: string;
}

/**
 * Size and thumbnail of a stored picture, of an animated one its first frame; `undefined` for what is none, or is broken: it
 * is kept as it is.
 *
 * @throws AppError `unavailable` when the store goes away meanwhile.
 */
export async function describePicture(assets: AssetStore, hash: string): Promise<StoredPicture | undefined> {
  const decoder = sharp(await readStored(assets, hash), { limitInputPixels: maxInputPixels, failOn: 'error' });
  let picture: { width: number; height: number; thumbnail: Buffer };
  try {
    const { format, width, height } = await decoder.metadata();
    if (!pixelFormats.has(format)) return undefined;
    const thumbnail = await decoder
      .resize(thumbnailPixels, thumbnailPixels, { fit: 'inside', withoutEnlargement: true })
      .webp({ quality: 80 })
      .toBuffer();
    picture = { width, height, thumbnail };
  } catch {
    return undefined;
  }
  const { thumbnail, ...size } = picture;
  const stored = await assets.put(thumbnail, { mediaType: 'image/webp', maxBytes: thumbnail.byteLength });
  return { ...size, thumbnailHash: stored.hash };
}

/** A whole stored file. @throws AppError `unavailable` when the store breaks off. */
export async function readStored(assets: AssetStore, hash: string): Promise<Buffer> {
  const source = await assets.get(hash);
  try {
    return await buffer(source);
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw new AppError('unavailable', 'a stored file could not be read back', { cause });
  }
}
