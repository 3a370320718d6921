import { type PictureIntake, takeInPicture } from '@atelier/shared/assets/take-in-picture';
import type { AssetRef } from '@atelier/shared/contracts/request';
import { AppError, invalidInput } from '@atelier/shared/errors/app-error';
import { sniffImage } from './sniff-image.ts';

/** Largest picture that is taken in. */
export const MAX_UPLOAD_BYTES = 20 * 1_024 * 1_024;
const maxSidePixels = 4_096;

export type ImageIntake = PictureIntake;

/**
 * Takes in a picture that a person attached ({@link takeInPicture}), recognised by its bytes.
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
  const { hash, mediaType } = await takeInPicture(intake, bytes, {
    mediaType: format === 'jpeg' ? 'image/jpeg' : 'image/png',
    maxSidePixels,
    toError: (fault, cause) => (fault === 'too_many_pixels' ? pictureTooLarge() : pictureDamaged(cause)),
  });
  const shownName = name?.replace(/[\p{Cc}/\\]/gu, '').slice(0, 200);
  return { hash, mediaType, ...(shownName === undefined || shownName === '' ? {} : { name: shownName }) };
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

function pictureDamaged(cause: unknown): AppError {
  return new AppError('invalid_input', 'an uploaded picture could not be decoded', {
    cause,
    publicMessage: {
      en: 'This picture is damaged or unfinished: save it again and attach the new file.',
      zh: '图片已损坏或不完整，请重新保存后再上传。',
    },
  });
}
