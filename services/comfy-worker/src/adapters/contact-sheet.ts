import sharp from 'sharp';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { JobOutput } from '@atelier/shared/contracts/job';
import { readStored } from './stored-picture.ts';

/** Of a picture's longer side on the sheet. */
const cellPixels = 384;
const gapPixels = 8;
/** Further pictures are left out: nobody sees anything on a larger sheet. */
const maxPictures = 36;

/**
 * Draws the thumbnails of several pictures side by side, in their order, row by row; cells have the shape of the widest and
 * the highest among them. WebP; `undefined` where a thumbnail cannot be drawn.
 *
 * @throws AppError `unavailable` when the store goes away.
 */
export async function drawContactSheet(
  assets: AssetStore,
  pictures: readonly JobOutput[],
): Promise<{ bytes: Buffer; width: number; height: number } | undefined> {
  const hashes = pictures.flatMap(({ thumbnailHash }) => (thumbnailHash === undefined ? [] : [thumbnailHash]));
  const cells: { input: Buffer; width: number; height: number }[] = [];
  for (const hash of hashes.slice(0, maxPictures)) {
    const thumbnail = await readStored(assets, hash);
    try {
      const { data, info } = await sharp(thumbnail)
        .resize(cellPixels, cellPixels, { fit: 'inside', withoutEnlargement: true })
        .png({ compressionLevel: 1 })
        .toBuffer({ resolveWithObject: true });
      cells.push({ input: data, width: info.width, height: info.height });
    } catch {
      return undefined;
    }
  }
  if (cells.length === 0) return undefined;
  const columns = Math.ceil(Math.sqrt(cells.length));
  const cellWidth = Math.max(...cells.map(({ width }) => width));
  const cellHeight = Math.max(...cells.map(({ height }) => height));
  const spanOf = (count: number, size: number): number => count * (size + gapPixels) + gapPixels;
  const width = spanOf(columns, cellWidth);
  const height = spanOf(Math.ceil(cells.length / columns), cellHeight);
  const placed = cells.map((cell, at) => ({
    input: cell.input,
    left: spanOf(at % columns, cellWidth) + Math.floor((cellWidth - cell.width) / 2),
    top: spanOf(Math.floor(at / columns), cellHeight) + Math.floor((cellHeight - cell.height) / 2),
  }));
  const bytes = await sharp({ create: { width, height, channels: 3, background: '#1c1c1f' } })
    .composite(placed)
    .webp({ quality: 82 })
    .toBuffer();
  return { bytes, width, height };
}
