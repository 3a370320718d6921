import { sniffBytes, sniffMediaType } from '@atelier/shared/assets/sniff-media-type';
import { takeInPicture, type PictureFault, type TakenPicture } from '@atelier/shared/assets/take-in-picture';
import { registerAsset } from '@atelier/shared/db/asset-register';
import { putApiFile, type ApiFile } from '@atelier/shared/db/gateway/api-files';
import type { FilePath } from '../../core/file-name.ts';
import { problem } from '../../core/problems/to-problem.ts';
import type { GatewayParts } from '../../ports.ts';

/** Formats that are taken, by what the bytes are. */
const readable = /^image\/(png|jpeg|webp|gif|avif)$/;
const maxSidePixels = 8_192;

/**
 * Takes in a picture ({@link takeInPicture}), recognised by its bytes whatever its name.
 *
 * @throws AppError `FILE_OPERATION_ERROR` for what is no picture, `PAYLOAD_TOO_LARGE`; `CONNECTION_ERROR` when it cannot be stored.
 */
export async function takeInImage(parts: Pick<GatewayParts, 'db' | 'files'>, bytes: Uint8Array): Promise<TakenPicture> {
  const found = await sniffMediaType(bytes.subarray(0, sniffBytes));
  if (!readable.test(found)) {
    throw problem(
      'FILE_OPERATION_ERROR',
      'This file is no picture that can be used: send a PNG, JPEG, WebP, GIF or AVIF.',
      '该文件不是可用的图片，请上传 PNG、JPEG、WebP、GIF 或 AVIF。',
    );
  }
  return takeInPicture({ store: parts.files, register: (asset) => registerAsset(parts.db, asset) }, bytes, {
    mediaType: found === 'image/jpeg' ? 'image/jpeg' : 'image/png',
    maxSidePixels,
    toError: pictureProblem,
  });
}

/** {@link takeInImage} under a name that workflows of this account can use. */
export async function uploadImage(
  parts: Pick<GatewayParts, 'db' | 'files'>,
  upload: { account: string; path: FilePath; bytes: Uint8Array; overwrite: boolean },
): Promise<ApiFile> {
  const image = await takeInImage(parts, upload.bytes);
  return putApiFile(parts.db, { account: upload.account, ...upload.path, ...image }, { overwrite: upload.overwrite });
}

function pictureProblem(fault: PictureFault, cause: unknown) {
  return fault === 'too_many_pixels'
    ? problem(
        'PAYLOAD_TOO_LARGE',
        'This picture is too large: send one of at most 64 megapixels.',
        '图片太大，请上传不超过 6400 万像素的图片。',
        { cause },
      )
    : problem(
        'FILE_OPERATION_ERROR',
        'This picture is damaged or unfinished: save it again and send the new file.',
        '图片已损坏或不完整，请重新保存后再上传。',
        { cause },
      );
}
