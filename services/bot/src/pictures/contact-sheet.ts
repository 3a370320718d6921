import type { OverlayOptions } from 'sharp';

const cellPixels = 384;
const gapPixels = 8;
const maxColumns = 6;

/**
 * Pictures side by side with their numbers, as one JPEG: for looking over what does not fit into one message.
 *
 * @param pictures in any format that is shown as a picture; at most 100.
 */
export async function drawContactSheet(pictures: readonly Uint8Array[]): Promise<Buffer> {
  // Loaded at the first sheet: it takes tens of megabytes.
  const { default: sharp } = await import('sharp');
  sharp.cache(false);
  const columns = Math.min(maxColumns, Math.ceil(Math.sqrt(pictures.length)));
  const step = cellPixels + gapPixels;
  const tiles: OverlayOptions[] = [];
  for (const [index, picture] of pictures.entries()) {
    const input = await sharp(picture)
      .resize({ width: cellPixels, height: cellPixels, fit: 'contain', background: '#1b1b1b' })
      .flatten({ background: '#1b1b1b' })
      .png({ compressionLevel: 1 })
      .toBuffer();
    const left = gapPixels + (index % columns) * step;
    const top = gapPixels + Math.floor(index / columns) * step;
    tiles.push({ input, left, top }, { input: Buffer.from(numberBadge(index + 1)), left: left + 8, top: top + 8 });
  }
  return sharp({
    create: {
      width: columns * step + gapPixels,
      height: Math.ceil(pictures.length / columns) * step + gapPixels,
      channels: 3,
      background: '#2b2b2b',
    },
  })
    .composite(tiles)
    .jpeg({ quality: 88 })
    .toBuffer();
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
