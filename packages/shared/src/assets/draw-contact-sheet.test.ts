import sharp from 'sharp';
import { expect, it } from 'vitest';
import { drawContactSheet } from './draw-contact-sheet.ts';

async function pictures(colours: readonly string[], side: number): Promise<Buffer[]> {
  const painted = colours.map((background, index) =>
    sharp({ create: { width: side + index * 30, height: side, channels: 3, background } })
      .webp()
      .toBuffer(),
  );
  return Promise.all(painted);
}

async function pixel(sheet: Buffer, left: number, top: number): Promise<number[]> {
  return [...(await sharp(sheet).extract({ left, top, width: 1, height: 1 }).raw().toBuffer())];
}

it('puts pictures of any shape side by side, each with its number', async () => {
  const colours = ['#c05020', '#2050c0', '#20a050', '#a0a020', '#804080'];
  const { bytes, width, height } = await drawContactSheet(await pictures(colours, 120));
  // Three columns and two rows of 240 x 120, with 8 between and around.
  expect({ width, height }).toEqual({ width: 3 * 248 + 8, height: 2 * 128 + 8 });
  expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width, height });
  const middle = { left: 8 + 60 + 90, top: 8 + 100 };
  const [red = 0, , blue = 0] = await pixel(bytes, middle.left, middle.top);
  expect(red).toBeGreaterThan(blue + 60);
  // The badge darkens the corner of each.
  const [corner = 255] = await pixel(bytes, 8 + 60 + 8 + 3, 8 + 8 + 20);
  expect(corner).toBeLessThan(red - 40);
});

it('puts no number on what is smaller than one', async () => {
  const { bytes } = await drawContactSheet(await pictures(['#c05020', '#c05020'], 60));
  const [corner = 0] = await pixel(bytes, 8 + 15 + 12, 8 + 20);
  expect(corner).toBeGreaterThan(150);
});
