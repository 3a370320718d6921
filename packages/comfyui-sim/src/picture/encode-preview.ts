import { sharpOf } from './edit-picture.ts';
import type { Picture } from './picture.ts';

/** ComfyUI's default preview size. */
const previewSide = 512;
const smallSide = 96;

/** A JPEG of the picture at this fraction of its steps: blurred at first, sharp at the end. */
export function encodePreview(picture: Picture, fraction: number): Promise<Buffer> {
  return encode(picture, previewSide, (1 - fraction) * 14);
}

/** Gives one small preview for all steps of all prompts, where previews shall cost nothing: the first picture's. */
export function createSharedPreview(): (picture: Picture) => Promise<Buffer> {
  let shared: Promise<Buffer> | undefined;
  return (picture) => (shared ??= encode(picture, smallSide, 0));
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
