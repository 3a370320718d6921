import { createHash } from 'node:crypto';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import { takeInImage } from './take-in-image.ts';

function intake() {
  const stored = new Map<string, Uint8Array>();
  const registered: { hash: string; mediaType: string; bytes: number; keepMs: number }[] = [];
  return {
    stored,
    registered,
    store: {
      async put(source: Uint8Array | AsyncIterable<Uint8Array>) {
        if (!(source instanceof Uint8Array)) throw new TypeError('a stream');
        const hash = createHash('sha256').update(source).digest('hex');
        stored.set(hash, source);
        return { hash, bytes: source.length };
      },
    },
    async register(asset: { hash: string; mediaType: string; bytes: number; keepMs: number }) {
      registered.push(asset);
    },
  };
}

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#c05020' } });

it('encodes anew, upright and without metadata', async () => {
  const original = await picture(40, 20)
    .withExif({ IFD0: { ImageDescription: 'secret place' } })
    .withMetadata({ orientation: 6 })
    .jpeg()
    .toBuffer();
  const to = intake();
  const asset = await takeInImage(to, original, '../fox\u0000.jpg');
  expect(asset).toMatchObject({ mediaType: 'image/jpeg', name: '..fox.jpg' });
  const bytes = to.stored.get(asset.hash);
  const metadata = await sharp(bytes).metadata();
  expect(metadata).toMatchObject({ format: 'jpeg', width: 20, height: 40 });
  expect(metadata.exif).toBeUndefined();
  expect(to.registered).toMatchObject([{ hash: asset.hash, mediaType: 'image/jpeg', bytes: bytes?.length }]);
});

it('scales down what is larger than any model needs', async () => {
  const to = intake();
  const asset = await takeInImage(to, await picture(5_000, 100).png().toBuffer());
  expect(asset).toEqual({ hash: asset.hash, mediaType: 'image/png' });
  expect(await sharp(to.stored.get(asset.hash)).metadata()).toMatchObject({ width: 4_096, height: 82 });
});

it.each([
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', /no picture/],
  ['HTML', '<!doctype html><script>alert(1)</script>', /no picture/],
  ['nothing', '', /no picture/],
  ['a PNG header and no more', '\x89PNG\r\n\x1a\n', /damaged/],
  ['a JPEG header before HTML', '\xff\xd8\xff<html>', /damaged/],
])('refuses %s with one sentence', async (_name, text, sentence) => {
  const to = intake();
  const attempt = takeInImage(to, Buffer.from(text, 'latin1'));
  await expect(attempt).rejects.toBeInstanceOf(AppError);
  await expect(attempt).rejects.toMatchObject({
    code: 'invalid_input',
    publicMessage: { en: expect.stringMatching(sentence) },
  });
  expect(to.stored.size).toBe(0);
});

it('refuses a picture of too many pixels before it is decoded', async () => {
  const bomb = await picture(9_000, 9_000).png({ compressionLevel: 9 }).toBuffer();
  expect(bomb.length).toBeLessThan(1_000_000);
  await expect(takeInImage(intake(), bomb)).rejects.toMatchObject({ code: 'too_large' });
});

it('refuses too many bytes', async () => {
  await expect(takeInImage(intake(), new Uint8Array(21 * 1_024 * 1_024))).rejects.toMatchObject({ code: 'too_large' });
});
