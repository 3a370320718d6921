import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { writeMetadata } from '@atelier/comfyui/metadata/write-metadata';
import { createPostedFiles } from './posted-files.ts';

function storeOf(bytes: Uint8Array) {
  return {
    get: () => Promise.resolve(Readable.from([Buffer.from(bytes)])),
    head: () => Promise.resolve({ bytes: bytes.length, mediaType: 'image/png' }),
  };
}

const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: 'teal' } });

it.each(['png', 'webp', 'jpeg'] as const)(
  'posts a %s without what ComfyUI wrote into it, pixel for pixel',
  async (format) => {
    const original = writeMetadata(await picture.clone().toFormat(format).toBuffer(), {
      prompt: { '3': { class_type: 'KSampler', inputs: {} } },
    });
    expect(Buffer.from(original).includes('KSampler')).toBe(true);
    const posted = await buffer(await createPostedFiles(storeOf(original)).get('a'));
    expect(posted.includes('KSampler')).toBe(false);
    const pixels = (bytes: Uint8Array) => sharp(bytes).raw().toBuffer();
    expect((await pixels(posted)).equals(await pixels(original))).toBe(true);
  },
);

it('posts what is no picture, or a damaged one, as it is', async () => {
  for (const bytes of [Buffer.from('a text'), Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2])]) {
    expect((await buffer(await createPostedFiles(storeOf(bytes)).get('a'))).equals(bytes)).toBe(true);
  }
});
