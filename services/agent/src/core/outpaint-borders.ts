import type { PictureSize } from './picture-size.ts';
import type { LocalText } from './words-plan.ts';

/** ComfyUI's latents are an eighth as large as pictures. */
const STEP = 8;
/** A border thinner than this is no other shape. */
const MIN_BORDER = 16;

/** Pixels to add on each side, after the picture was scaled to the working size. */
export interface Borders {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export type BordersFound = { ok: true; borders: Borders } | { ok: false; message: LocalText };

/**
 * The borders that bring a picture to a shape, the picture in the middle.
 *
 * @param megapixels to which the picture is scaled first, as ComfyUI's ImageScaleToTotalPixels counts them (1024 × 1024).
 * @param ratio width by height.
 * @param max pixels on one side.
 */
export function findBorders(picture: PictureSize, megapixels: number, ratio: number, max: number): BordersFound {
  const scale = Math.sqrt((megapixels * 1024 * 1024) / (picture.width * picture.height));
  const width = picture.width * scale;
  const height = picture.height * scale;
  const wider = ratio > width / height;
  const missing = wider ? height * ratio - width : width / ratio - height;
  const sum = Math.round(missing / STEP) * STEP;
  if (sum < MIN_BORDER) {
    return {
      ok: false,
      message: {
        en: 'The picture already has this shape; choose a wider or taller one.',
        zh: '图片已经是这个比例，请选择更宽或更高的比例。',
      },
    };
  }
  if (sum > 2 * max) {
    return {
      ok: false,
      message: {
        en: 'This shape is too far from the picture’s own to be filled at once; choose one in between first.',
        zh: '该比例与原图相差太大，无法一次扩展，请先选择中间的比例。',
      },
    };
  }
  const before = Math.min(max, Math.floor(sum / 2 / STEP) * STEP);
  const after = sum - before;
  return {
    ok: true,
    borders: wider
      ? { left: before, right: after, top: 0, bottom: 0 }
      : { left: 0, right: 0, top: before, bottom: after },
  };
}
