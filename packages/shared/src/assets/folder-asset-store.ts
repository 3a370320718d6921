import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, stat, utimes, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AssetInfo, AssetStore, StoredAsset } from './asset-store.ts';
import { sniffBytes, sniffMediaType } from './sniff-media-type.ts';
import { spoolFile, sweepFolder } from './spool-file.ts';
import { assertAssetHash, assertByteRange, assetNotFound, errorCode, toStorageError } from './storage-error.ts';

export interface FolderAssetStoreOptions {
  /** Absolute path; made when absent. A volume that several machines share works too. */
  folder: string;
  /** Largest file of all. */
  maxBytes: number;
  randomId?: () => string;
  /** Milliseconds since 1970, by the clock that the file system uses. */
  now?: () => number;
}

/** One read: large enough that a fast reader costs little, small enough for many of them at once. */
const readBytes = 128 * 1_024;

/**
 * Assets as files `ab/cd/abcd…` (the hash's first two bytes are folders, so that none grows too large), written under
 * `temporary/` first and renamed when complete and synced.
 */
export function createFolderAssetStore(options: FolderAssetStoreOptions): AssetStore {
  const { folder } = options;
  const randomId = options.randomId ?? randomUUID;
  const now = options.now ?? Date.now;
  const temporary = join(folder, 'temporary');

  function pathOf(hash: string): string {
    assertAssetHash(hash);
    return join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);
  }

  async function isOlder(path: string, thanMs: number): Promise<boolean> {
    const { mtimeMs } = await stat(path);
    return now() - mtimeMs >= thanMs;
  }

  /** Takes the file aside before it goes: one that was put again after the first look is seen then, and put back. */
  async function deleteOlder(path: string, thanMs: number): Promise<boolean> {
    if (!(await isOlder(path, thanMs))) return false;
    const aside = join(temporary, randomId());
    await mkdir(temporary, { recursive: true });
    await rename(path, aside);
    if (!(await isOlder(aside, thanMs))) {
      await rename(aside, path);
      return false;
    }
    await rm(aside);
    return true;
  }

  /** Bytes that are stored already need no second copy: their age begins anew, which `deleteUnreferenced` relies on. */
  async function renew(bytes: Uint8Array): Promise<StoredAsset | undefined> {
    const hash = createHash('sha256').update(bytes).digest('hex');
    const at = new Date(now());
    try {
      await utimes(pathOf(hash), at, at);
      return { hash, bytes: bytes.byteLength };
    } catch {
      // Not there, or not to be touched: then it is written.
      return undefined;
    }
  }

  return {
    async put(source, { maxBytes }) {
      const limit = Math.min(maxBytes, options.maxBytes);
      const known = source instanceof Uint8Array && source.byteLength <= limit ? await renew(source) : undefined;
      if (known !== undefined) return known;
      const spooled = join(temporary, randomId());
      const stored = await spoolFile(source, spooled, limit);
      const path = pathOf(stored.hash);
      try {
        const made = await mkdir(dirname(path), { recursive: true });
        // Over what may be there: the same bytes, and its age begins anew.
        await rename(spooled, path);
        await syncFolder(dirname(path));
        if (made !== undefined) {
          await syncFolder(dirname(dirname(path)));
          await syncFolder(folder);
        }
      } catch (thrown) {
        await rm(spooled, { force: true });
        throw toStorageError(thrown, 'storing a file');
      }
      return stored;
    },

    async get(hash, range) {
      const file = await openForReading(pathOf(hash), hash);
      try {
        assertByteRange(range, (await file.stat()).size);
        return file.createReadStream({ ...range, highWaterMark: readBytes });
      } catch (thrown) {
        await file.close();
        throw toStorageError(thrown, 'reading a file');
      }
    },

    async head(hash): Promise<AssetInfo | undefined> {
      const path = pathOf(hash);
      try {
        const file = await open(path);
        try {
          const { size } = await file.stat();
          const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, sniffBytes)), 0, undefined, 0);
          return { bytes: size, mediaType: await sniffMediaType(buffer.subarray(0, bytesRead)) };
        } finally {
          await file.close();
        }
      } catch (thrown) {
        if (errorCode(thrown) === 'ENOENT') return undefined;
        throw toStorageError(thrown, 'looking for a file');
      }
    },

    async delete(hash) {
      try {
        await rm(pathOf(hash), { force: true });
      } catch (thrown) {
        throw toStorageError(thrown, 'deleting a file');
      }
    },

    async deleteUnreferenced(hashes, { olderThanMs }) {
      let deleted = 0;
      for (const hash of hashes) {
        const path = pathOf(hash);
        try {
          if (await deleteOlder(path, olderThanMs)) deleted++;
        } catch (thrown) {
          if (errorCode(thrown) !== 'ENOENT') throw toStorageError(thrown, 'deleting a file');
        }
      }
      return deleted;
    },

    sweepTemporary: (olderThanMs) => sweepFolder(temporary, olderThanMs, now()),
  };
}

async function openForReading(path: string, hash: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (thrown) {
    throw errorCode(thrown) === 'ENOENT' ? assetNotFound(hash) : toStorageError(thrown, 'reading a file');
  }
}

/** A rename is on the medium only with its folder. Windows cannot open folders, and keeps names by its journal. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(folder);
    await handle.sync();
  } catch (thrown) {
    if (!['EISDIR', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(errorCode(thrown))) throw thrown;
  } finally {
    await handle?.close();
  }
}
