import { Readable } from 'node:stream';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import { fitFile, type FitOptions } from './fit-file.ts';

const steps = [
  { quality: 80, side: 512 },
  { quality: 60, side: 64 },
] as const;

function stored(bytes: Buffer): FitOptions['files'] {
  return {
    get: (hash) =>
      hash === 'a' ? Promise.resolve(Readable.from([bytes])) : Promise.reject(new AppError('not_found', 'expired')),
  };
}

const fit = (bytes: Buffer, mediaType: string, maxBytes: number, format: 'webp' | 'jpeg' = 'webp') =>
  fitFile({ hash: 'a', mediaType, bytes: bytes.length }, { files: stored(bytes), maxBytes, copy: { format, steps } });

describe('a file', () => {
  it('that fits goes as it is, whatever it is', async () => {
    const bytes = Buffer.from('any');
    expect(await fit(bytes, 'model/gltf-binary', 3)).toEqual({
      outcome: 'original',
      bytes,
      mediaType: 'model/gltf-binary',
    });
  });

  it('that has expired is told to have', async () => {
    const file = { hash: 'b', mediaType: 'image/png', bytes: 1 };
    const options = { files: stored(Buffer.alloc(0)), maxBytes: 9, copy: { format: 'webp' as const, steps } };
    expect(await fitFile(file, options)).toEqual({ outcome: 'gone' });
  });

  it('that is too large and no picture stays out', async () => {
    expect(await fit(Buffer.from('any'), 'audio/mpeg', 2)).toEqual({ outcome: 'too_large' });
  });
});

describe('a picture that is too large', () => {
  const frame = (background: string) => sharp({ create: { width: 400, height: 300, channels: 3, background } }).png();

  it.each(['webp', 'jpeg'] as const)('goes as the best %s that fits', async (format) => {
    const png = await frame('teal').toBuffer();
    const padded = Buffer.concat([png, Buffer.alloc(100_000)]);
    const fitted = await fit(padded, 'image/png', 50_000, format);
    if (fitted.outcome !== 'copy') throw new Error(fitted.outcome);
    expect(fitted.mediaType).toBe(`image/${format}`);
    expect(await sharp(fitted.bytes).metadata()).toMatchObject({ format, width: 400, height: 300 });
  });

  it('still moves as a WebP where it moved', async () => {
    const frames = await Promise.all(['teal', 'coral'].map((background) => frame(background).toBuffer()));
    const gif = await sharp(frames, { join: { animated: true } })
      .gif()
      .toBuffer();
    const fitted = await fit(Buffer.concat([gif, Buffer.alloc(100_000)]), 'image/gif', 50_000);
    if (fitted.outcome !== 'copy') throw new Error(fitted.outcome);
    expect((await sharp(fitted.bytes, { animated: true }).metadata()).pages).toBe(2);
  });
});
