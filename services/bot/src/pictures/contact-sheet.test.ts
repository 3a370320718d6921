import sharp from 'sharp';
import { expect, it } from 'vitest';
import { drawContactSheet } from './contact-sheet.ts';

it('puts pictures of any shape side by side, each with its number', async () => {
  const colours = ['#c05020', '#2050c0', '#20a050', '#a0a020', '#804080'];
  const pictures = await Promise.all(
    colours.map((background, index) =>
      sharp({ create: { width: 40 + index * 30, height: 90, channels: 3, background } })
        .webp()
        .toBuffer(),
    ),
  );
  const sheet = await drawContactSheet(pictures);
  const { width, height, format } = await sharp(sheet).metadata();
  expect({ width, height, format }).toEqual({ width: 3 * 392 + 8, height: 2 * 392 + 8, format: 'jpeg' });
  const pixel = async (left: number, top: number) => [
    ...(await sharp(sheet).extract({ left, top, width: 1, height: 1 }).raw().toBuffer()),
  ];
  const [red = 0, , blue = 0] = await pixel(8 + 192, 8 + 192);
  expect(red).toBeGreaterThan(blue + 60);
  // The badge darkens the corner of each.
  const [corner = 255] = await pixel(8 + 12, 8 + 44);
  expect(corner).toBeLessThan(red);
});
