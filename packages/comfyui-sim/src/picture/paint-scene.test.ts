import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { encodePng } from './encode-png.ts';
import { namedColours } from './palette.ts';
import { labelPicture, labelText, paintScene, sampleScene } from './paint-scene.ts';
import { solidPicture } from './edit-picture.ts';
import type { Picture } from './picture.ts';
import { createRandomStream } from './random-stream.ts';
import type { Scene } from './scene-svg.ts';

const fox: Scene = { prompt: 'a red fox in snow', negative: 'blurry', variation: '1' };

async function pixels(picture: Picture): Promise<Buffer> {
  return (await picture.raw()).data;
}

/** Mean of each channel over the whole picture. */
async function means(picture: Picture): Promise<number[]> {
  const { data, channels, width, height } = await picture.raw();
  const sums = [0, 0, 0];
  for (let at = 0; at < data.length; at += channels)
    for (const channel of [0, 1, 2]) sums[channel] = (sums[channel] ?? 0) + (data[at + channel] ?? 0);
  return sums.map((sum) => sum / (width * height));
}

describe('painted scenes', () => {
  it('are the same for the same scene, and others for another seed, prompt or negative prompt', async () => {
    const first = await pixels(paintScene(fox, 96, 64, false));
    expect(first.equals(await pixels(paintScene({ ...fox }, 96, 64, false)))).toBe(true);
    for (const other of [{ variation: '2' }, { prompt: 'a red fox in rain' }, { negative: 'dark' }]) {
      expect(first.equals(await pixels(paintScene({ ...fox, ...other }, 96, 64, false)))).toBe(false);
    }
  });

  it('have the colours that the prompt names', async () => {
    const mean = (prompt: string) => means(paintScene({ ...fox, prompt }, 64, 64, false));
    const [redOfRed = 0, , blueOfRed = 0] = await mean('a red field');
    const [redOfBlue = 0, , blueOfBlue = 0] = await mean('the blue ocean');
    const [, greenOfGreen = 0, blueOfGreen = 0] = await mean('a green meadow');
    expect(redOfRed).toBeGreaterThan(blueOfRed + 40);
    expect(blueOfBlue).toBeGreaterThan(redOfBlue + 40);
    expect(greenOfGreen).toBeGreaterThan(blueOfGreen + 20);
    const night = await mean('a house at night');
    const day = await mean('a house in snow');
    expect(Math.max(...night)).toBeLessThan(Math.min(...day));
  });

  it('read colours in English and Chinese, the subject first', () => {
    expect(namedColours('blue house, red door').map(({ hue }) => hue)).toEqual([212, 8]);
    expect(namedColours('红狐在雪中').map(({ hue }) => hue)).toEqual([8, 208]);
    expect(namedColours('雪中的红狐').map(({ hue }) => hue)).toEqual([8, 208]);
    expect(namedColours('something').length).toBe(0);
  });

  it('keep the size also when hurried', async () => {
    const { width, height, data } = await paintScene(fox, 520, 260, true).raw();
    expect([width, height, data.length]).toEqual([520, 260, 520 * 260 * 3]);
  });

  it('carry their mark in the foot', async () => {
    const plain = solidPicture(320, 200, 0x00ff00);
    const labelled = labelPicture(plain, 'a red fox');
    const [before, after] = await Promise.all([pixels(plain), pixels(labelled)]);
    const changedRows = new Set<number>();
    for (let at = 0; at < before.length; at += 1)
      if (before[at] !== after[at]) changedRows.add(Math.floor(at / (320 * 3)));
    expect(Math.min(...changedRows)).toBeGreaterThan(180);
    expect(changedRows.size).toBeGreaterThan(8);
    const other = await pixels(labelPicture(plain, 'another'));
    expect(after.equals(other)).toBe(false);
  });

  it.each([
    ['a red fox', 'A RED FOX'],
    ['Café “naïve” 100% – done', 'CAFE NAIVE 100% DONE'],
    ['雪中的红狐', 'seed 7 64x48'],
    ['红狐 fox, 雪 (snow)', 'FOX, (SNOW) seed 7 64x48'],
    ['🎨 paint', 'PAINT'],
  ])('label %j as %j', (prompt, label) => {
    expect(labelText(prompt, 7n, { width: 64, height: 48 })).toBe(label);
  });

  it('show what they were made from, less of it with more denoise, only within the mask', async () => {
    const base = solidPicture(64, 64, 0x00ff00);
    const size = { width: 64, height: 64 };
    const greens = await Promise.all(
      [0.2, 0.6, 1].map(
        async (denoise) =>
          (await means(sampleScene({ ...fox, prompt: 'red' }, size, { base, denoise, references: [] }, false)))[1] ?? 0,
      ),
    );
    expect(greens[0]).toBeGreaterThan((greens[1] ?? 0) + 20);
    expect(greens[1]).toBeGreaterThan((greens[2] ?? 0) + 20);
    const nothing = solidPicture(64, 64, 0x000000);
    const kept = await pixels(sampleScene(fox, size, { base, denoise: 1, mask: nothing, references: [] }, false));
    expect(kept.equals(await pixels(base))).toBe(true);
  });
});

describe('PNG files', () => {
  it('carry texts as ComfyUI writes them, ASCII alone', async () => {
    const png = await encodePng(solidPicture(8, 8, 0xff0000), {
      prompt: { '1': { text: '狐 é' } },
      workflow: { seed: 2n ** 64n - 1n },
    });
    const { comments, width } = await sharp(png).metadata();
    expect(width).toBe(8);
    expect(comments).toEqual([
      { keyword: 'prompt', text: '{"1":{"text":"\\u72d0 \\u00e9"}}' },
      { keyword: 'workflow', text: '{"seed":18446744073709551615}' },
    ]);
  });
});

describe('the random stream', () => {
  it('depends on its parts alone and stays in range', () => {
    const draw = (...parts: string[]) => Array.from({ length: 50 }, createRandomStream(...parts).next);
    expect(draw('a', 'b')).toEqual(draw('a', 'b'));
    expect(draw('a', 'b')).not.toEqual(draw('ab'));
    const stream = createRandomStream('range');
    const numbers = Array.from({ length: 500 }, () => stream.between(2, 3));
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...numbers)).toBeLessThan(3);
  });
});
