import { Readable } from 'node:stream';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import type { CardImage } from '../../../core/cards/job-card.ts';
import { uploadLimits } from '../api/upload-limits.ts';
import { prepareFiles } from './prepare-files.ts';

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

const limits = uploadLimits(false);

describe('prepareFiles', () => {
  it('shows what Telegram shows as a photo, under a plain name', async () => {
    const { groups, reencoded } = await prepareFiles([image('a', { bytes: 1_000 })], {
      files: storeOf({ a: small }),
      limits,
      as: 'media',
    });
    expect(groups).toEqual([[{ kind: 'photo', bytes: small, name: '1-ein-Fuchs_00001_.png' }]]);
    expect(reencoded).toBe(false);
  });

  it.each([
    ['more than 10 MB', image('a', { bytes: 11_000_000 }), elevenMb, 'document'],
    ['sides over 10,000 together', image('a', { width: 8_000, height: 2_001 }), small, 'document'],
    ['a ratio over 20', image('a', { width: 2_100, height: 100 }), small, 'document'],
    ['what Telegram cannot show', image('a', { mediaType: 'model/gltf-binary' }), small, 'document'],
    ['a video', image('a', { mediaType: 'video/mp4' }), small, 'video'],
    ['an animation', image('a', { mediaType: 'image/gif' }), small, 'animation'],
    ['sound', image('a', { mediaType: 'audio/mpeg' }), small, 'audio'],
  ])('sends %s in its way, with the original bytes', async (_what, given, bytes, kind) => {
    const { groups } = await prepareFiles([given], { files: storeOf({ a: bytes }), limits, as: 'media' });
    expect(groups.flat().map((file) => [file.kind, file.bytes.length])).toEqual([[kind, bytes.length]]);
  });

  it('keeps an album of kinds that stand together', async () => {
    const store = storeOf({ a: small, b: elevenMb });
    const mixed = await prepareFiles([image('a'), image('b', { bytes: 11_000_000 })], {
      files: store,
      limits,
      as: 'media',
    });
    expect(mixed.groups.map((group) => group.map(({ kind }) => kind))).toEqual([['document', 'document']]);
    const moving = [image('a'), image('a', { mediaType: 'video/mp4' }), image('a', { mediaType: 'image/gif' })];
    const shown = await prepareFiles(moving, { files: store, limits, as: 'media' });
    expect(shown.groups.map((group) => group.map(({ kind }) => kind))).toEqual([['photo', 'video'], ['animation']]);
  });

  it('makes no album of more than 10', async () => {
    const images = Array.from({ length: 12 }, () => image('a'));
    const { groups } = await prepareFiles(images, { files: storeOf({ a: small }), limits, as: 'media' });
    expect(groups.map((group) => group.length)).toEqual([10, 2]);
  });

  it('says what has expired and what is too large', async () => {
    const images = [image('gone'), image('a'), image('b', { mediaType: 'video/mp4', bytes: 60_000_000 })];
    const { groups, left } = await prepareFiles(images, { files: storeOf({ a: small }), limits, as: 'media' });
    expect(groups.flat()).toHaveLength(1);
    expect(left.map(({ hash }) => hash)).toEqual(['gone', 'b']);
  });

  it('makes a smaller copy of what is too large even for a document', async () => {
    const png = await sharp({ create: { width: 5_000, height: 4_000, channels: 3, background: 'teal' } })
      .png()
      .toBuffer();
    // Trailing bytes make it as large as it has to be; decoders stop at the picture's end.
    const huge = Buffer.concat([png, Buffer.alloc(51_000_000)]);
    const given = image('a', { bytes: huge.length });
    const { groups, reencoded } = await prepareFiles([given], { files: storeOf({ a: huge }), limits, as: 'document' });
    const [file] = groups.flat();
    const copy = await sharp(file?.bytes).metadata();
    expect(copy).toMatchObject({ format: 'jpeg', width: 4_096 });
    expect({ reencoded, kind: file?.kind }).toEqual({ reencoded: true, kind: 'document' });
  });
});
