import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestS3, type TestS3 } from '../../../../tests/support/s3-server.ts';
import type { AssetSource, AssetStore } from './asset-store.ts';
import { createFolderAssetStore } from './folder-asset-store.ts';
import { createS3AssetStore } from './s3-asset-store.ts';

const maxBytes = 5_000_000;
const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52);
const bytesOf = (words: string): Uint8Array => new TextEncoder().encode(words);
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const asText = { mediaType: 'text/plain', maxBytes };
/** A hash that nothing has. */
const absent = '0'.repeat(64);

interface StoreUnderTest {
  store: AssetStore;
  /** The same files by a clock that is `laterMs` ahead. */
  later(laterMs: number): AssetStore;
  temporaryFolder: string;
  end(): Promise<void>;
}

async function openFolderStore(): Promise<StoreUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'atelier-assets-'));
  return {
    store: createFolderAssetStore({ folder, maxBytes }),
    later: (laterMs) => createFolderAssetStore({ folder, maxBytes, now: () => Date.now() + laterMs }),
    temporaryFolder: join(folder, 'temporary'),
    end: () => rm(folder, { recursive: true, force: true }),
  };
}

async function openS3Store(): Promise<StoreUnderTest> {
  const spoolFolder = await mkdtemp(join(tmpdir(), 'atelier-spool-'));
  const server = await startTestS3();
  const options = { ...server, region: 'us-east-1', spoolFolder, maxBytes };
  return {
    store: createS3AssetStore(options),
    later: (laterMs) => createS3AssetStore({ ...options, now: () => Date.now() + laterMs }),
    temporaryFolder: spoolFolder,
    async end() {
      await server.stop();
      await rm(spoolFolder, { recursive: true, force: true });
    },
  };
}

describe.each([
  ['folder', openFolderStore],
  ['S3', openS3Store],
])('the contract of an asset store: %s', (_name, openStore) => {
  let tested: StoreUnderTest;
  let store: AssetStore;

  beforeAll(async () => {
    tested = await openStore();
    ({ store } = tested);
  });
  afterAll(() => tested.end());

  const leftovers = (): Promise<string[]> => readdir(tested.temporaryFolder);

  it('gives back what was put, by its hash', async () => {
    const bytes = randomBytes(300_000);
    const stored = await store.put(bytes, { mediaType: 'application/octet-stream', maxBytes });
    expect(stored).toEqual({ hash: hashOf(bytes), bytes: 300_000 });
    expect(bytes.equals(await buffer(await store.get(stored.hash)))).toBe(true);
    expect(await store.head(stored.hash)).toEqual({ bytes: 300_000, mediaType: 'application/octet-stream' });
    expect(await leftovers()).toEqual([]);
  });

  it('takes streams in pieces of any size', async () => {
    async function* pieces(): AsyncGenerator<Uint8Array> {
      yield bytesOf('a red ');
      yield new Uint8Array();
      yield bytesOf('fox');
    }
    const stored = await store.put(pieces(), asText);
    expect(stored).toEqual({ hash: hashOf(bytesOf('a red fox')), bytes: 9 });
    expect(await text(await store.get(stored.hash))).toBe('a red fox');
  });

  it('stores an empty file', async () => {
    const { hash, bytes } = await store.put(new Uint8Array(), asText);
    expect(bytes).toBe(0);
    expect((await store.head(hash))?.bytes).toBe(0);
    expect(await text(await store.get(hash))).toBe('');
  });

  it('knows a picture as a picture', async () => {
    const { hash } = await store.put(png, { mediaType: 'image/png', maxBytes });
    expect(await store.head(hash)).toEqual({ bytes: png.length, mediaType: 'image/png' });
  });

  it('stores the same bytes once, also when put at the same time', async () => {
    const bytes = bytesOf('the same');
    const all = await Promise.all(Array.from({ length: 8 }, () => store.put(bytes, asText)));
    expect(new Set(all.map(({ hash }) => hash))).toEqual(new Set([hashOf(bytes)]));
    expect(await text(await store.get(hashOf(bytes)))).toBe('the same');
    expect(await leftovers()).toEqual([]);
  });

  it.each([
    [{ start: 2, end: 5 }, '2345'],
    [{ start: 7 }, '789'],
    [{ start: 0, end: 1 }, '01'],
    [{ start: 3, end: 3 }, '3'],
    [{ start: 8, end: 100 }, '89'],
  ])('gives the range %j', async (range, expected) => {
    const { hash } = await store.put(bytesOf('0123456789'), asText);
    expect(await text(await store.get(hash, range))).toBe(expected);
  });

  it.each([{ start: 10 }, { start: 5, end: 4 }, { start: -1 }, { start: 0.5 }])(
    'refuses the range %j',
    async (range) => {
      const { hash } = await store.put(bytesOf('0123456789'), asText);
      await expect(store.get(hash, range)).rejects.toMatchObject({ code: 'invalid_input' });
    },
  );

  it.each([
    ['the limit of the call', 10, 11],
    ['its own limit', maxBytes * 2, maxBytes + 1],
  ])('refuses what is over %s and keeps nothing', async (_limit, allowed, size) => {
    const bytes = randomBytes(size);
    let ended = false;
    async function* pieces(): AsyncGenerator<Uint8Array> {
      try {
        for (let at = 0; at < size; at += 1_000_000) yield bytes.subarray(at, at + 1_000_000);
      } finally {
        ended = true;
      }
    }
    await expect(store.put(pieces(), { mediaType: 'x/y', maxBytes: allowed })).rejects.toMatchObject({
      code: 'too_large',
    });
    expect(ended).toBe(true);
    expect(await store.head(hashOf(bytes))).toBeUndefined();
    expect(await leftovers()).toEqual([]);
  });

  it('takes exactly the limit', async () => {
    const { bytes } = await store.put(randomBytes(10), { mediaType: 'x/y', maxBytes: 10 });
    expect(bytes).toBe(10);
  });

  it('passes on what a source throws, and keeps nothing', async () => {
    const broken: AssetSource = (async function* () {
      yield bytesOf('half');
      throw new RangeError('the download broke');
    })();
    await expect(store.put(broken, asText)).rejects.toThrow(new RangeError('the download broke'));
    expect(await store.head(hashOf(bytesOf('half')))).toBeUndefined();
    expect(await leftovers()).toEqual([]);
  });

  it('says what it does not have', async () => {
    expect(await store.head(absent)).toBeUndefined();
    await expect(store.get(absent)).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.get(absent, { start: 1 })).rejects.toMatchObject({ code: 'not_found' });
    await expect(store.delete(absent)).resolves.toBeUndefined();
  });

  it.each(['', 'abc', '../../etc/passwd', absent.toUpperCase().replace('0', 'A'), `${absent}0`, `../${absent}`])(
    'takes %j for no hash',
    async (hash) => {
      const refused = { code: 'invalid_input' };
      await expect(store.get(hash)).rejects.toMatchObject(refused);
      await expect(store.head(hash)).rejects.toMatchObject(refused);
      await expect(store.delete(hash)).rejects.toMatchObject(refused);
      await expect(store.deleteUnreferenced([hash], { olderThanMs: 0 })).rejects.toMatchObject(refused);
    },
  );

  it('deletes', async () => {
    const { hash } = await store.put(bytesOf('to be deleted'), asText);
    await store.delete(hash);
    expect(await store.head(hash)).toBeUndefined();
    await store.put(bytesOf('to be deleted'), asText);
    expect(await text(await store.get(hash))).toBe('to be deleted');
  });

  it('deletes what is unreferenced and old, and spares the young', async () => {
    const hashes = await Promise.all(
      ['one', 'two'].map(async (words) => (await store.put(bytesOf(words), asText)).hash),
    );
    expect(await store.deleteUnreferenced([...hashes, absent], { olderThanMs: 60_000 })).toBe(0);
    expect(await store.head(hashes[0] ?? '')).toBeDefined();
    expect(await tested.later(120_000).deleteUnreferenced([...hashes, absent], { olderThanMs: 60_000 })).toBe(2);
    expect(await store.head(hashes[0] ?? '')).toBeUndefined();
    expect(await store.head(hashes[1] ?? '')).toBeUndefined();
  });

  it('sweeps what killed puts left behind, and nothing else', async () => {
    const { hash } = await store.put(bytesOf('stays'), asText);
    await mkdir(tested.temporaryFolder, { recursive: true });
    const [old, young] = [randomUUID(), randomUUID()].map((name) => join(tested.temporaryFolder, name));
    if (old === undefined || young === undefined) throw new Error('two names');
    await Promise.all([writeFile(old, 'half'), writeFile(young, 'half')]);
    const hourAgo = new Date(Date.now() - 3_600_000);
    await utimes(old, hourAgo, hourAgo);
    expect(await store.sweepTemporary(1_800_000)).toBe(1);
    await expect(access(old)).rejects.toThrow('ENOENT');
    await expect(access(young)).resolves.toBeUndefined();
    expect(await store.head(hash)).toBeDefined();
    await rm(young);
  });

  it('survives a reader who leaves in the middle', async () => {
    const bytes = randomBytes(2_000_000);
    const { hash } = await store.put(bytes, { mediaType: 'x/y', maxBytes });
    const stream = await store.get(hash);
    for await (const chunk of stream) {
      expect((chunk as Uint8Array).length).toBeGreaterThan(0);
      break;
    }
    expect(stream.destroyed).toBe(true);
    expect(bytes.equals(await buffer(await store.get(hash)))).toBe(true);
  });
});

describe('an S3 store that is not as it should be', () => {
  let server: TestS3;
  let spoolFolder: string;

  beforeAll(async () => {
    server = await startTestS3();
    spoolFolder = await mkdtemp(join(tmpdir(), 'atelier-spool-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(spoolFolder, { recursive: true, force: true });
  });

  const storeWith = (wrong: Partial<TestS3>): AssetStore =>
    createS3AssetStore({ ...server, ...wrong, region: 'us-east-1', spoolFolder, maxBytes });

  it('refuses a wrong secret: a matter of settings, told without the secret', async () => {
    const store = storeWith({ secretAccessKey: 'wrong-secret-value' });
    const storing = store.put(bytesOf('x'), asText);
    await expect(storing).rejects.toMatchObject({ code: 'config' });
    await expect(storing).rejects.toThrow(/ASSETS_S3_/);
    await expect(storing).rejects.not.toThrow(/wrong-secret-value/);
    await expect(store.head(absent)).rejects.toMatchObject({ code: 'config' });
  });

  it('has no such bucket: a matter of settings', async () => {
    const storing = storeWith({ bucket: 'nowhere' }).put(bytesOf('x'), asText);
    await expect(storing).rejects.toMatchObject({ code: 'config' });
    await expect(storing).rejects.toThrow(/ASSETS_S3_BUCKET/);
    await expect(storeWith({ bucket: 'nowhere' }).get(absent)).rejects.toMatchObject({ code: 'config' });
  });

  it('is away: unavailable, and nothing stays behind', async () => {
    const gone = await startTestS3();
    await gone.stop();
    const store = storeWith({ endpoint: gone.endpoint });
    await expect(store.put(bytesOf('x'), asText)).rejects.toMatchObject({ code: 'unavailable', retry: 'backoff' });
    await expect(store.get(absent)).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readdir(spoolFolder)).toEqual([]);
  });
});
