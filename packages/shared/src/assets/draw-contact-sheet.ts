import type { OverlayOptions } from 'sharp';

/** Nobody sees anything on a sheet of more. */
export const MAX_SHEET_PICTURES = 49;

/** Of a picture's longer side on the sheet. */
const cellPixels = 384;
const gapPixels = 8;
/** On smaller pictures a number would cover what it counts. */
const minNumberedPixels = 96;

export interface ContactSheet {
  /** WebP. */
  bytes: Buffer;
  width: number;
  height: number;
}

/**
 * Draws pictures side by side in their order, row by row, each with its number; cells have the shape of the widest and the
 * highest among them.
 *
 * @param pictures at least one, in any format that sharp reads; further ones than {@link MAX_SHEET_PICTURES} are left out.
 * @throws Error where one cannot be drawn.
 */
export async function drawContactSheet(pictures: readonly Uint8Array[]): Promise<ContactSheet> {
  // Loaded at the first sheet: it takes tens of megabytes.
  const { default: sharp } = await import('sharp');
  const cells: { input: Buffer; width: number; height: number }[] = [];
  for (const picture of pictures.slice(0, MAX_SHEET_PICTURES)) {
    const { data, info } = await sharp(picture)
      .resize(cellPixels, cellPixels, { fit: 'inside', withoutEnlargement: true })
      .png({ compressionLevel: 1 })
      .toBuffer({ resolveWithObject: true });
    cells.push({ input: data, width: info.width, height: info.height });
  }
  const columns = Math.ceil(Math.sqrt(cells.length));
  const cellWidth = Math.max(...cells.map(({ width }) => width));
  const cellHeight = Math.max(...cells.map(({ height }) => height));
  const spanOf = (count: number, size: number): number => count * (size + gapPixels) + gapPixels;
  const width = spanOf(columns, cellWidth);
  const height = spanOf(Math.ceil(cells.length / columns), cellHeight);
  const placed = cells.flatMap((cell, at): OverlayOptions[] => {
    const left = spanOf(at % columns, cellWidth) + Math.floor((cellWidth - cell.width) / 2);
    const top = spanOf(Math.floor(at / columns), cellHeight) + Math.floor((cellHeight - cell.height) / 2);
    const picture = { input: cell.input, left, top };
    if (Math.min(cell.width, cell.height) < minNumberedPixels) return [picture];
    return [picture, { input: Buffer.from(numberBadge(at + 1)), left: left + gapPixels, top: top + gapPixels }];
  });
  const bytes = await sharp({ create: { width, height, channels: 3, background: '#1c1c1f' } })
    .composite(placed)
    .webp({ quality: 82 })
    .toBuffer();
  return { bytes, width, height };
}

/** Strokes of each digit on a grid of 3 by 5 points: a machine need not have any font. */
const strokes: readonly string[] = [
  'M0 0H2V4H0Z',
  'M0 1L1 0V4M0 4H2',
  'M0 0H2V2H0V4H2',
  'M0 0H2V4H0M0 2H2',
  'M0 0V2H2M2 0V4',
  'M2 0H0V2H2V4H0',
  'M2 0H0V4H2V2H0',
  'M0 0H2V4',
  'M0 0H2V4H0ZM0 2H2',
  'M2 2H0V0H2V4H0',
];

function numberBadge(number: number): string {
  const digits = String(number).split('');
  const width = digits.length * 18 + 14;
  const paths = digits.map(
    (digit, index) =>
      `<path d="${strokes[Number(digit)] ?? ''}" transform="translate(${10 + index * 18} 9) scale(5.5)"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="40"><rect width="${width}" height="40" rx="8" fill="#000" fill-opacity="0.65"/><g fill="none" stroke="#fff" stroke-width="0.6" stroke-linecap="round" stroke-linejoin="round">${paths.join('')}</g></svg>`;
}
