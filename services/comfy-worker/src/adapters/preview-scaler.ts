import sharp from 'sharp';

/** Pixels of the longer side. */
export const previewPixels = 512;

/**
 * Makes previews small enough to send around: JPEG, at most 512 pixels a side. One at a time: what comes while one is
 * being made is dropped, because a newer one follows.
 */
export function createPreviewScaler(): (image: Uint8Array) => Promise<Buffer | undefined> {
  let busy = false;
  return async (image) => {
    if (busy) return undefined;
    busy = true;
    try {
      return await sharp(image, { limitInputPixels: 67_108_864 })
        .resize(previewPixels, previewPixels, { fit: 'inside', withoutEnlargement: true })
        .jpeg({ quality: 70 })
        .toBuffer();
    } catch {
      return undefined;
    } finally {
      busy = false;
    }
  };
}
