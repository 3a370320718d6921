export interface EncodeOptions {
  format: 'webp' | 'jpeg';
  maxBytes: number;
  /** Tried in this order until the picture fits: the best quality first, then smaller ones. `side` in pixels. */
  steps: readonly { quality: number; side: number }[];
}

/** A picture in the best of the steps that fits into `maxBytes`; in the last one where none does. */
export async function encodeToFit(original: Buffer, options: EncodeOptions): Promise<Buffer> {
  // Loaded at the first large picture: it takes tens of megabytes.
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  let smallest = original;
  // A JPEG holds one picture of an animation.
  const animated = options.format === 'webp';
  for (const { quality, side } of options.steps) {
    const resized = sharp(original, { animated }).resize({
      width: side,
      height: side,
      fit: 'inside',
      withoutEnlargement: true,
    });
    smallest = await resized.toFormat(options.format, { quality }).toBuffer();
    if (smallest.length <= options.maxBytes) break;
  }
  return smallest;
}
