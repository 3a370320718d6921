import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { createPicture } from './picture.ts';
import type { Picture, RawPicture } from './picture.ts';

/** A decoder for raw pixels. */
export function sharpOf(raw: RawPicture): Sharp {
  return sharp(raw.data, { raw: { width: raw.width, height: raw.height, channels: raw.channels } });
}

/** The pixels of a sharp pipeline, as RGB or RGBA. */
export async function toRaw(image: Sharp): Promise<RawPicture> {
  const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  if (info.channels === 3 || info.channels === 4)
    return { data, width: info.width, height: info.height, channels: info.channels };
  const plain = await sharp(data, { raw: info })
    .toColourspace('srgb')
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (plain.info.channels === 3) return { data: plain.data, width: info.width, height: info.height, channels: 3 };
  return { data: repeatChannel(plain.data), width: info.width, height: info.height, channels: 3 };
}

/** Grey to RGB. */
function repeatChannel(grey: Buffer): Buffer {
  const rgb = Buffer.allocUnsafe(grey.length * 3);
  for (let index = 0; index < grey.length; index += 1) rgb.fill(grey[index] ?? 0, index * 3, index * 3 + 3);
  return rgb;
}

/** A picture made from another by a sharp pipeline that gives `width` × `height`. */
export function editPicture(
  source: Picture,
  width: number,
  height: number,
  edit: (image: Sharp) => Sharp | Promise<Sharp>,
): Picture {
  return createPicture(width, height, async () => toRaw(await edit(sharpOf(await source.raw()))));
}

export type ResizeKernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';

/** Names of ComfyUI's upscale methods as sharp's kernels. */
export function kernelOf(method: string): ResizeKernel {
  if (method.startsWith('nearest')) return 'nearest';
  if (method === 'bilinear' || method === 'area') return 'linear';
  return method === 'bicubic' ? 'cubic' : 'lanczos3';
}

/** Scales to exactly that size; `crop` keeps the proportions and cuts the rest. */
export function resizePicture(
  source: Picture,
  width: number,
  height: number,
  kernel: ResizeKernel = 'lanczos3',
  crop = false,
): Picture {
  if (source.width === width && source.height === height) return source;
  return editPicture(source, width, height, (image) =>
    image.resize(width, height, { kernel, fit: crop ? 'cover' : 'fill' }),
  );
}

/** Works on each pixel of one or two pictures of the first one's size; alpha is dropped. */
export function mapPixels(
  first: Picture,
  second: Picture,
  map: (a: number, b: number, channel: number) => number,
): Picture {
  const other = resizePicture(second, first.width, first.height);
  return createPicture(first.width, first.height, async () => {
    const [a, b] = await Promise.all([opaque(first), opaque(other)]);
    const data = Buffer.allocUnsafe(a.data.length);
    for (let index = 0; index < data.length; index += 1) {
      data[index] = clampByte(map(a.data[index] ?? 0, b.data[index] ?? 0, index % 3));
    }
    return { data, width: a.width, height: a.height, channels: 3 };
  });
}

function clampByte(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
}

/** The pixels without transparency. */
export async function opaque(picture: Picture): Promise<RawPicture> {
  const raw = await picture.raw();
  return raw.channels === 3 ? raw : toRaw(sharpOf(raw).removeAlpha());
}

/** One colour, 0xRRGGBB. */
export function solidPicture(width: number, height: number, colour: number): Picture {
  return createPicture(width, height, () => {
    const data = Buffer.allocUnsafe(width * height * 3);
    data[0] = (colour >> 16) & 255;
    data[1] = (colour >> 8) & 255;
    data[2] = colour & 255;
    for (let filled = 3; filled < data.length; filled *= 2)
      data.copyWithin(filled, 0, Math.min(filled, data.length - filled));
    return Promise.resolve({ data, width, height, channels: 3 });
  });
}

/** Lays `top` over `base` through a mask (its red channel: white shows the top), each scaled to the base. */
export function blendPictures(base: Picture, top: Picture, strength: number, mask?: Picture): Picture {
  const { width, height } = base;
  const over = resizePicture(top, width, height, 'linear', true);
  const shape = mask === undefined ? undefined : resizePicture(mask, width, height, 'linear');
  return createPicture(width, height, async () => {
    const [a, b, m] = await Promise.all([opaque(base), opaque(over), shape === undefined ? undefined : opaque(shape)]);
    const data = Buffer.allocUnsafe(a.data.length);
    for (let index = 0; index < data.length; index += 1) {
      const cover = m === undefined ? strength : (strength * (m.data[index - (index % 3)] ?? 0)) / 255;
      const from = a.data[index] ?? 0;
      data[index] = from + ((b.data[index] ?? 0) - from) * cover;
    }
    return { data, width, height, channels: 3 };
  });
}
