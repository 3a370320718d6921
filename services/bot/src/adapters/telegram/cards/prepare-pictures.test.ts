import { Readable } from 'node:stream';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CardImage } from '../../../core/cards/job-card.ts';
import { preparePictures } from './prepare-pictures.ts';

function image(hash: string, overrides: Partial<CardImage> = {}): CardImage {
  const size = { width: 1_024, height: 768 };
  return { hash, mediaType: 'image/png', bytes: 1, filename: 'ein Fuchs_00001_.png', alt: '', ...size, ...overrides };
}

function storeOf(files: Record<string, Buffer>) {
  return {
    get(hash: string): Promise<Readable> {
      const bytes = files[hash];
      return bytes === undefined
        ? Promise.reject(new AppError('not_found', 'expired'))
        : Promise.resolve(Readable.from([bytes]));
    },
    head: () => Promise.resolve(undefined),
  };
}

const small = Buffer.alloc(1_000, 1);
const elevenMb = Buffer.alloc(11_000_000, 1);

describe('preparePictures', () => {
  it('shows what Telegram shows as a photo, under a plain name', async () => {
    const { files, reencoded } = await preparePictures([image('a')], { files: storeOf({ a: small }), as: 'photo' });
    expect(files).toEqual([{ kind: 'photo', bytes: small, name: '1-ein-Fuchs_00001_.png' }]);
    expect(reencoded).toBe(false);
  });

  it.each([
    ['more than 10 MB', image('a'), elevenMb],
    ['sides over 10,000 together', image('a', { width: 8_000, height: 2_001 }), small],
    ['a ratio over 20', image('a', { width: 2_100, height: 100 }), small],
    ['no photo', image('a', { mediaType: 'video/mp4' }), small],
  ])('sends %s as a document with the original bytes', async (_what, given, bytes) => {
    const { files } = await preparePictures([given], { files: storeOf({ a: bytes }), as: 'photo' });
    expect(files).toMatchObject([{ kind: 'document' }]);
    expect(files[0]?.bytes.length).toBe(bytes.length);
  });

  it('keeps an album of one kind', async () => {
    const images = [image('a'), image('b')];
    const { files } = await preparePictures(images, { files: storeOf({ a: small, b: elevenMb }), as: 'photo' });
    expect(files.map(({ kind }) => kind)).toEqual(['document', 'document']);
  });

  it('leaves out what has expired', async () => {
    const images = [image('gone'), image('a')];
    const { files } = await preparePictures(images, { files: storeOf({ a: small }), as: 'photo' });
    expect(files).toHaveLength(1);
  });

  it('makes a smaller copy of what is too large even for a document', async () => {
    const png = await sharp({ create: { width: 5_000, height: 4_000, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    // Trailing bytes make it as large as it has to be; decoders stop at the picture's end.
    const huge = Buffer.concat([png, Buffer.alloc(51_000_000)]);
    const { files, reencoded } = await preparePictures([image('a')], { files: storeOf({ a: huge }), as: 'document' });
    const copy = await sharp(files[0]?.bytes).metadata();
    expect(copy).toMatchObject({ format: 'jpeg', width: 4_096 });
    expect({ reencoded, kind: files[0]?.kind }).toEqual({ reencoded: true, kind: 'document' });
  });
});
