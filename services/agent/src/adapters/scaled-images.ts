import type { PictureFiles } from '../core/planning-parts.ts';
import type { LoadImage } from '../loop/build-messages.ts';

/** The longer side, in pixels: enough to judge a picture, about 800 tokens. */
const MAX_SIDE = 768;
const QUALITY = 80;
const MAX_FILE_BYTES = 64 * 1024 * 1024;
const MAX_PIXELS = 100_000_000;
/** Kept in memory: a run sends the same pictures with each of its steps. */
const MAX_KEPT = 32;

/** Stored pictures as the model is shown them: small JPEGs. What cannot be read is undefined. The library is loaded when first needed. */
export function createImageLoader(files: PictureFiles): LoadImage {
  const kept = new Map<string, { base64: string }>();
  return async (hash) => {
    const known = kept.get(hash);
    if (known !== undefined) return known;
    try {
      const [bytes, { default: sharp }] = await Promise.all([files.read(hash, MAX_FILE_BYTES), import('sharp')]);
      const small = await sharp(bytes, { limitInputPixels: MAX_PIXELS })
        .rotate()
        .resize({ width: MAX_SIDE, height: MAX_SIDE, fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#808080' })
        .jpeg({ quality: QUALITY })
        .toBuffer();
      const image = { base64: small.toString('base64') };
      const [oldest] = kept.keys();
      if (kept.size >= MAX_KEPT && oldest !== undefined) kept.delete(oldest);
      kept.set(hash, image);
      return image;
    } catch {
      return undefined;
    }
  };
}
