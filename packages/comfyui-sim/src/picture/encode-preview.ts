import { sharpOf } from './edit-picture.ts';
import type { Picture } from './picture.ts';

/** ComfyUI's default preview size. */
const previewSide = 512;
const hurriedSide = 96;

/**
 * A JPEG of the picture at this fraction of its steps: blurred at first, sharp at the end.
 *
 * @param isHurried one small preview serves all steps.
 */
export function encodePreview(picture: Picture, fraction: number, isHurried: boolean): Promise<Buffer> {
  if (!isHurried) return encode(picture, previewSide, (1 - fraction) * 14);
  const kept = picture.encoded.get('preview') ?? encode(picture, hurriedSide, 0);
  picture.encoded.set('preview', kept);
  return kept;
}

async function encode(picture: Picture, side: number, blur: number): Promise<Buffer> {
  const scale = side / Math.max(picture.width, picture.height);
  const width = Math.max(1, Math.round(picture.width * scale));
  const height = Math.max(1, Math.round(picture.height * scale));
  const small = sharpOf(await picture.raw())
    .resize(width, height, { kernel: 'linear', fit: 'fill' })
    .removeAlpha();
  return withJfifHeader(await (blur >= 0.3 ? small.blur(blur) : small).jpeg({ quality: 80 }).toBuffer());
}

const jfif = Buffer.from('ffe000104a46494600010100000100010000', 'hex');

/** Pillow begins a JPEG with a JFIF segment, and clients look for it; sharp leaves it out. */
function withJfifHeader(jpeg: Buffer): Buffer {
  return jpeg[3] === 0xe0 ? jpeg : Buffer.concat([jpeg.subarray(0, 2), jfif, jpeg.subarray(2)]);
}
