import type { AssetStore } from './asset-store.ts';

export interface PictureIntake {
  store: Pick<AssetStore, 'put'>;
  /** Remembers the stored file, and until when it is kept. */
  register: (asset: { hash: string; mediaType: string; bytes: number; keepMs: number }) => Promise<void>;
}

export interface TakenPicture {
  hash: string;
  mediaType: 'image/png' | 'image/jpeg';
  bytes: number;
}

/** Why a picture is not taken in. */
export type PictureFault = 'too_many_pixels' | 'damaged';

/** Uploads go this long after their last use. */
export const UPLOAD_KEEP_MS = 30 * 24 * 3_600_000;
const maxPixels = 64_000_000;

/**
 * Takes in a picture that somebody sent: decoded within pixel limits, turned upright and encoded anew, so that nothing but
 * pixels goes on: no metadata, no second format hidden behind the first.
 *
 * @param bytes of a format that was recognised by what they are.
 * @throws what `toError` makes of a fault; AppError `unavailable` when it cannot be stored.
 */
export async function takeInPicture(
  intake: PictureIntake,
  bytes: Uint8Array,
  options: {
    mediaType: TakenPicture['mediaType'];
    /** Longer sides are scaled down: models work on far less. */
    maxSidePixels: number;
    toError: (fault: PictureFault, cause: unknown) => Error;
  },
): Promise<TakenPicture> {
  const { mediaType, maxSidePixels } = options;
  let encoded: Buffer;
  try {
    encoded = await encodeAnew(bytes, mediaType, maxSidePixels);
  } catch (cause) {
    const isTooLarge = cause instanceof Error && cause.message.includes('pixel limit');
    throw options.toError(isTooLarge ? 'too_many_pixels' : 'damaged', cause);
  }
  // A picture of that size without any compression.
  const stored = await intake.store.put(encoded, { mediaType, maxBytes: 4 * maxSidePixels ** 2 });
  await intake.register({ ...stored, mediaType, keepMs: UPLOAD_KEEP_MS });
  return { ...stored, mediaType };
}

async function encodeAnew(bytes: Uint8Array, target: TakenPicture['mediaType'], maxSide: number): Promise<Buffer> {
  // Loaded at the first picture: it takes tens of megabytes.
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  const image = sharp(bytes, { limitInputPixels: maxPixels, failOn: 'error' })
    .autoOrient()
    .resize({ width: maxSide, height: maxSide, fit: 'inside', withoutEnlargement: true });
  return (target === 'image/jpeg' ? image.jpeg({ quality: 95 }) : image.png({ compressionLevel: 6 })).toBuffer();
}
