import { registerAsset } from '@atelier/shared/db/asset-register';
import { sniffBytes, sniffMediaType } from '@atelier/shared/assets/sniff-media-type';
import { putApiFile, type ApiFile } from '@atelier/shared/db/gateway/api-files';
import type { FilePath } from '../../core/file-name.ts';
import { problem } from '../../core/problems/to-problem.ts';
import type { GatewayParts } from '../../ports.ts';

/** Formats that are taken, by what the bytes are. */
const readable = /^image\/(png|jpeg|webp|gif|avif)$/;
const maxPixels = 64_000_000;
/** Longer sides are scaled down: models work on far less. */
const maxSidePixels = 8_192;
/** A picture of that size without any compression. */
const maxStoredBytes = 4 * maxSidePixels ** 2;
/** Uploads go this long after their last use. */
const keepMs = 30 * 24 * 3_600_000;

export interface StoredImage {
  hash: string;
  mediaType: 'image/png' | 'image/jpeg';
  bytes: number;
}

/**
 * Takes in a picture: recognised by its bytes whatever its name, decoded within pixel limits, turned upright and encoded anew,
 * so that nothing but pixels goes on: no metadata, no second format hidden behind the first.
 *
 * @throws AppError `FILE_OPERATION_ERROR` for what is no picture, `PAYLOAD_TOO_LARGE`; `CONNECTION_ERROR` when it cannot be stored.
 */
export async function takeInImage(parts: Pick<GatewayParts, 'db' | 'files'>, bytes: Uint8Array): Promise<StoredImage> {
  const found = await sniffMediaType(bytes.subarray(0, sniffBytes));
  if (!readable.test(found)) {
    throw problem(
      'FILE_OPERATION_ERROR',
      'This file is no picture that can be used: send a PNG, JPEG, WebP, GIF or AVIF.',
      '该文件不是可用的图片，请上传 PNG、JPEG、WebP、GIF 或 AVIF。',
    );
  }
  const mediaType = found === 'image/jpeg' ? 'image/jpeg' : 'image/png';
  const encoded = await encodeAnew(bytes, mediaType);
  const stored = await parts.files.put(encoded, { mediaType, maxBytes: maxStoredBytes });
  await registerAsset(parts.db, { ...stored, mediaType, keepMs });
  return { ...stored, mediaType };
}

/** {@link takeInImage} under a name that workflows of this account can use. */
export async function uploadImage(
  parts: Pick<GatewayParts, 'db' | 'files'>,
  upload: { account: string; path: FilePath; bytes: Uint8Array; overwrite: boolean },
): Promise<ApiFile> {
  const image = await takeInImage(parts, upload.bytes);
  return putApiFile(parts.db, { account: upload.account, ...upload.path, ...image }, { overwrite: upload.overwrite });
}

async function encodeAnew(bytes: Uint8Array, target: StoredImage['mediaType']): Promise<Buffer> {
  // Loaded at the first picture: it takes tens of megabytes.
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  try {
    const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
      .autoOrient()
      .resize({ width: maxSidePixels, height: maxSidePixels, fit: 'inside', withoutEnlargement: true });
    const encoded = target === 'image/jpeg' ? image.jpeg({ quality: 95 }) : image.png({ compressionLevel: 6 });
    return await encoded.toBuffer();
  } catch (cause) {
    if (cause instanceof Error && cause.message.includes('pixel limit')) {
      throw problem(
        'PAYLOAD_TOO_LARGE',
        'This picture is too large: send one of at most 64 megapixels.',
        '图片太大，请上传不超过 6400 万像素的图片。',
        { cause },
      );
    }
    throw problem(
      'FILE_OPERATION_ERROR',
      'This picture is damaged or unfinished: save it again and send the new file.',
      '图片已损坏或不完整，请重新保存后再上传。',
      { cause },
    );
  }
}
