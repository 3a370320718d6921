import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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
    expect(await storeOf(Buffer.from('not a picture'))('x.png')).toMatchObject({ mediaType: 'image/png', bytes: 13 });
    expect(await storeOf(Buffer.from('words'))('x.txt')).toMatchObject({ mediaType: 'text/plain', bytes: 5 });
  });

  it('refuses a file without a byte', async () => {
    await expect(storeOf(new Uint8Array())('x.png')).rejects.toMatchObject({ code: 'refused' });
  });

  it('reads back nothing but what may be a picture', async () => {
    const noReading: AssetStore = { ...assets, get: () => Promise.reject(new Error('read back')) };
    expect(await storeOf(Buffer.from('a film'), noReading)('x.mp4')).toMatchObject({ mediaType: 'video/mp4' });
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
