import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '@atelier/comfyui/json/json';
import { writeMetadata } from '@atelier/comfyui/metadata/write-metadata';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { createFolderAssetStore } from '@atelier/shared/assets/folder-asset-store';
import { createOutputStore } from './output-store.ts';

let folder: string;
let assets: AssetStore;
const signal = new AbortController().signal;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atelier-outputs-'));
  assets = createFolderAssetStore({ folder, maxBytes: 10_000_000 });
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function storeOf(bytes: Uint8Array, store = assets) {
  const view = () =>
    Promise.resolve({
      status: 200,
      contentType: undefined,
      sizeBytes: undefined,
      body: new ReadableStream<Uint8Array>({
        start(controller) {
          if (bytes.byteLength > 0) controller.enqueue(bytes);
          controller.close();
        },
      }),
    });
  const outputs = createOutputStore({ view }, store, 10_000_000);
  return (filename: string) =>
    outputs.store({ nodeId: '9', kind: 'images', filename, subfolder: '', type: 'output' }, 0, signal);
}

const picture = () => sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } });

describe('createOutputStore', () => {
  it('says what a picture really is, whatever its name, and how large', async () => {
    const store = storeOf(await picture().webp().toBuffer());
    expect(await store('x.png')).toMatchObject({ mediaType: 'image/webp', width: 40, height: 20 });
  });

  it('makes no picture of SVG, which can carry scripts', async () => {
    const store = storeOf(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect/></svg>'));
    const stored = await store('x.svg');
    expect(stored.mediaType).toBe('application/octet-stream');
    expect(stored.thumbnailHash).toBeUndefined();
  });

  it('keeps what is broken or no picture as it is', async () => {
    const cut = (await picture().png().toBuffer()).subarray(0, 60);
    expect(await storeOf(cut)('x.png')).toMatchObject({ mediaType: 'image/png', bytes: 60 });
    expect(await storeOf(Buffer.from('not a picture'))('x.png')).toMatchObject({ mediaType: 'text/plain', bytes: 13 });
    expect(await storeOf(Buffer.from('words'))('x.txt')).toMatchObject({ mediaType: 'text/plain', bytes: 5 });
  });

  it('keeps an animated picture as it is, and shows its first frame', async () => {
    const frame = { create: { width: 24, height: 24, channels: 3, background: 'blue' } } as const;
    const pages = await Promise.all([sharp(frame).png().toBuffer(), sharp(frame).negate().png().toBuffer()]);
    const film = await sharp(pages, { join: { animated: true } })
      .webp({ loop: 0, delay: [50, 50] })
      .toBuffer();
    const stored = await storeOf(film)('x.webp');
    expect(stored).toMatchObject({ mediaType: 'image/webp', bytes: film.byteLength, width: 24, height: 24 });
    expect(await sharp(await buffer(await assets.get(stored.thumbnailHash ?? ''))).metadata()).toMatchObject({
      width: 24,
    });
  });

  it('keeps what ComfyUI wrote into a picture', async () => {
    const text = '{"3":{"class_type":"KSampler"}}';
    const bytes = writeMetadata(await picture().png().toBuffer(), { prompt: JSON.parse(text) as Json });
    const stored = await storeOf(bytes)('x.png');
    const kept = await buffer(await assets.get(stored.hash));
    expect(kept.includes('KSampler')).toBe(true);
    expect((await buffer(await assets.get(stored.thumbnailHash ?? ''))).includes('KSampler')).toBe(false);
  });

  it('keeps a text', async () => {
    const outputs = createOutputStore({ view: () => Promise.reject(new Error('no file')) }, assets, 10_000);
    const stored = await outputs.storeText({ nodeId: '2', place: 0, text: 'ein Fuchs', filename: 'text-2.txt' }, 3);
    expect(stored).toMatchObject({ index: 3, mediaType: 'text/plain', bytes: 9, filename: 'text-2.txt' });
  });

  it('draws several pictures side by side on one sheet', async () => {
    const store = storeOf(await picture().png().toBuffer());
    const pictures = await Promise.all([store('a.png'), store('b.png'), store('c.png')]);
    const outputs = createOutputStore({ view: () => Promise.reject(new Error('no file')) }, assets, 10_000_000);
    const sheet = await outputs.storeSheet(pictures, 3);
    // Two columns and two rows of 40 x 20, with 8 between and around.
    expect(sheet).toMatchObject({ index: 3, kind: 'sheet', mediaType: 'image/webp', width: 104, height: 64 });
    const { data } = await sharp(await buffer(await assets.get(sheet?.hash ?? '')))
      .extract({ left: 20, top: 15, width: 1, height: 1 })
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(data[0]).toBeGreaterThan(200);
  });

  it('refuses a file without a byte', async () => {
    await expect(storeOf(new Uint8Array())('x.png')).rejects.toMatchObject({ code: 'refused' });
  });

  it('reads back nothing but what may be a picture', async () => {
    const noReading: AssetStore = { ...assets, get: () => Promise.reject(new Error('read back')) };
    const film = Buffer.from('000000186674797069736f6d0000020069736f6d69736f32', 'hex');
    expect(await storeOf(film, noReading)('x.mp4')).toMatchObject({ mediaType: 'video/mp4' });
  });

  it('asks to try again when the store breaks off while a picture is read back', async () => {
    const breaking: AssetStore = {
      ...assets,
      get: () => Promise.resolve(Readable.from(failing(), { objectMode: false })),
    };
    const store = storeOf(await picture().png().toBuffer(), breaking);
    await expect(store('x.png')).rejects.toMatchObject({ code: 'unavailable' });
  });
});

async function* failing(): AsyncGenerator<Buffer> {
  yield await picture().png().toBuffer();
  throw new Error('connection reset');
}
