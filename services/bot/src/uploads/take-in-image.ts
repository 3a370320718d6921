import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import { sniffImage } from './sniff-image.ts';

/** Largest picture that is taken in. */
export const MAX_UPLOAD_BYTES = 20 * 1_024 * 1_024;
const maxPixels = 64_000_000;
/** Longer sides are scaled down: models work on far less. */
const maxSidePixels = 4_096;
/** A picture of that size without any compression. */
const maxStoredBytes = 4 * maxSidePixels ** 2;
/** Uploads go this long after their last use. */
export const UPLOAD_KEEP_MS = 30 * 24 * 3_600_000;

export interface ImageIntake {
  store: Pick<AssetStore, 'put'>;
  /** Remembers the stored file, and until when it is kept. */
  register: (asset: { hash: string; mediaType: string; bytes: number; keepMs: number }) => Promise<void>;
}

/**
 * Takes in a picture that a person attached: recognised by its bytes, decoded within pixel limits, turned upright and
 * encoded anew, so that nothing but pixels goes on: no metadata, no second format hidden behind the first.
 *
 * @throws AppError `invalid_input` for what is no picture, `too_large`; `unavailable` when it cannot be stored.
 */
export async function takeInImage(intake: ImageIntake, bytes: Uint8Array, name?: string): Promise<AssetRef> {
  if (bytes.length > MAX_UPLOAD_BYTES) throw pictureTooLarge();
  const format = sniffImage(bytes);
  if (format === undefined) {
    throw invalidInput(
      'This file is no picture that can be used: attach a PNG, JPEG, WebP, GIF or AVIF.',
      '该文件不是可用的图片，请上传 PNG、JPEG、WebP、GIF 或 AVIF。',
    );
  }
  const encoded = await encodeAnew(bytes, format === 'jpeg' ? 'jpeg' : 'png');
  const mediaType = format === 'jpeg' ? 'image/jpeg' : 'image/png';
  const stored = await intake.store.put(encoded, { mediaType, maxBytes: maxStoredBytes });
  await intake.register({ ...stored, mediaType, keepMs: UPLOAD_KEEP_MS });
  const shownName = name?.replace(/[\p{Cc}/\\]/gu, '').slice(0, 200);
  return { hash: stored.hash, mediaType, ...(shownName === undefined || shownName === '' ? {} : { name: shownName }) };
}

async function encodeAnew(bytes: Uint8Array, target: 'jpeg' | 'png'): Promise<Buffer> {
  // Loaded at the first picture: it takes tens of megabytes.
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  try {
    const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
      .autoOrient()
      .resize({ width: maxSidePixels, height: maxSidePixels, fit: 'inside', withoutEnlargement: true });
    return await (target === 'jpeg' ? image.jpeg({ quality: 95 }) : image.png({ compressionLevel: 6 })).toBuffer();
  } catch (cause) {
    if (cause instanceof Error && cause.message.includes('pixel limit')) throw pictureTooLarge();
    throw new AppError('invalid_input', 'an uploaded picture could not be decoded', {
      cause,
      publicMessage: {
        en: 'This picture is damaged or unfinished: save it again and attach the new file.',
        zh: '图片已损坏或不完整，请重新保存后再上传。',
      },
    });
  }
}

/** What a person is told about a picture beyond the limits. */
export function pictureTooLarge(): AppError {
  return new AppError('too_large', 'an uploaded picture is too large', {
    publicMessage: {
      en: 'This picture is too large: attach one of at most 20 MB and 64 megapixels.',
      zh: '图片太大，请上传不超过 20 MB、6400 万像素的图片。',
    },
  });
}
