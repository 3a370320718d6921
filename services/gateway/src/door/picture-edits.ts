import type { Sharp } from 'sharp';
import { problem } from '../core/problems/to-problem.ts';

const maxPixels = 64_000_000;
/** Longer ones are whole files, and small enough as they are. */
const usualQuality = 90;

export interface ViewWish {
  /** `webp;75`, `jpeg;80`: format and quality. */
  preview: string | undefined;
  /** `rgb`: without transparency. `a`: transparency alone. */
  channel: string | undefined;
}

/** Whether `/view` asks for something else than the file itself. */
export function wantsAnother({ preview, channel }: ViewWish): boolean {
  return preview !== undefined || channel === 'rgb' || channel === 'a';
}

/**
 * A picture as the front end asks `/view` for it. https://github.com/comfyanonymous/ComfyUI server.py, 0.8.0
 *
 * @throws AppError (`FILE_OPERATION_ERROR`) for what is no picture.
 */
export async function editForView(bytes: Buffer, wish: ViewWish): Promise<{ mediaType: string; bytes: Buffer }> {
  const { preview, channel } = wish;
  if (preview !== undefined) {
    const [format, ...rest] = preview.split(';');
    const last = rest.at(-1) ?? '';
    const quality = /^\d{1,3}$/.test(last) ? Math.min(100, Math.max(1, Number(last))) : usualQuality;
    const isJpeg = format === 'jpeg' && channel?.includes('a') !== true;
    const image = await open(bytes);
    const shown = isJpeg || channel === 'rgb' ? image.removeAlpha() : image;
    return isJpeg
      ? { mediaType: 'image/jpeg', bytes: await made(shown.jpeg({ quality })) }
      : { mediaType: 'image/webp', bytes: await made(shown.webp({ quality, effort: 1 })) };
  }
  const image = await open(bytes);
  if (channel === 'rgb') return { mediaType: 'image/png', bytes: await made(image.removeAlpha().png(quick)) };
  const alpha = await made((await open(bytes)).ensureAlpha().extractChannel('alpha').raw());
  const { width, height } = await image.metadata();
  const black = (await sharpOf())({ create: { width, height, channels: 3, background: '#000000' } });
  const shown = black.joinChannel(alpha, { raw: { width, height, channels: 1 } }).png(quick);
  return { mediaType: 'image/png', bytes: await made(shown) };
}

/**
 * Puts a mask's transparency into the picture that it was painted on, stretched to its size.
 *
 * @throws AppError (`FILE_OPERATION_ERROR`) for what is no picture.
 */
export async function applyMask(original: Buffer, mask: Buffer): Promise<Buffer> {
  const { width, height } = await metadataOf(original);
  const alpha = await made(
    (await open(mask)).ensureAlpha().extractChannel('alpha').resize(width, height, { fit: 'fill' }).raw(),
  );
  // In two steps: in one, the old transparency would be removed after the new one was joined.
  const picture = await made((await open(original)).removeAlpha().toColourspace('srgb').raw());
  const shape = { raw: { width, height, channels: 3 } } as const;
  return made(
    (await sharpOf())(picture, shape)
      .joinChannel(alpha, { raw: { width, height, channels: 1 } })
      .png(quick),
  );
}

const quick = { compressionLevel: 1 } as const;

async function metadataOf(bytes: Buffer) {
  try {
    return await (await open(bytes)).metadata();
  } catch (cause) {
    throw noPicture(cause);
  }
}

/** Loaded at the first picture: it takes tens of megabytes. */
async function sharpOf() {
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  return sharp;
}

async function open(bytes: Buffer): Promise<Sharp> {
  return (await sharpOf())(bytes, { limitInputPixels: maxPixels, failOn: 'error' });
}

async function made(image: Sharp): Promise<Buffer> {
  try {
    return await image.toBuffer();
  } catch (cause) {
    throw noPicture(cause);
  }
}

function noPicture(cause: unknown) {
  return problem('FILE_OPERATION_ERROR', 'This file is no picture that can be read.', '该文件不是可读取的图片。', {
    cause,
  });
}
