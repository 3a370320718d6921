import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AssetSource, StoredAsset } from './asset-store.ts';
import { assetTooLarge, errorCode, toStorageError } from './storage-error.ts';

/**
 * Writes a source to the file at `path` and syncs it to the medium. The file is removed when anything fails.
 *
 * @throws AppError `too_large` beyond `maxBytes`, `unavailable` where the disk is full; what the source throws, as it is.
 */
export async function spoolFile(source: AssetSource, path: string, maxBytes: number): Promise<StoredAsset> {
  const file = await openForWriting(path);
  let complete = false;
  try {
    const stored = await writeAll(source, file, maxBytes);
    complete = true;
    return stored;
  } finally {
    await file.close();
    if (!complete) await rm(path, { force: true });
  }
}

/** The folder is there but for the first time. */
async function openForWriting(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'w', 0o640);
  } catch (thrown) {
    if (errorCode(thrown) !== 'ENOENT') throw toStorageError(thrown, 'storing a file');
  }
  try {
    await mkdir(dirname(path), { recursive: true });
    return await open(path, 'w', 0o640);
  } catch (thrown) {
    throw toStorageError(thrown, 'storing a file');
  }
}

async function writeAll(source: AssetSource, file: FileHandle, maxBytes: number): Promise<StoredAsset> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source instanceof Uint8Array ? [source] : source) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw assetTooLarge(maxBytes);
    hash.update(chunk);
    try {
      await writeChunk(file, chunk);
    } catch (thrown) {
      throw toStorageError(thrown, 'storing a file');
    }
  }
  try {
    await file.sync();
  } catch (thrown) {
    throw toStorageError(thrown, 'storing a file');
  }
  return { hash: hash.digest('hex'), bytes };
}

/** One write may take less than it was given, as on a disk that is filling up. */
async function writeChunk(file: FileHandle, chunk: Uint8Array): Promise<void> {
  let written = 0;
  while (written < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, written, chunk.byteLength - written);
    written += bytesWritten;
  }
}

/** Removes the folder's files that were last written more than `olderThanMs` ago. @returns how many. */
export async function sweepFolder(folder: string, olderThanMs: number, now: number): Promise<number> {
  let removed = 0;
  try {
    for (const name of await readdir(folder)) {
      const path = join(folder, name);
      const writtenAt = await lastWritten(path);
      if (writtenAt === undefined || now - writtenAt < olderThanMs) continue;
      await rm(path, { force: true });
      removed++;
    }
  } catch (thrown) {
    // The folder is not made yet.
    if (errorCode(thrown) !== 'ENOENT') throw toStorageError(thrown, 'sweeping temporary files');
  }
  return removed;
}

/** Undefined for a file with which a put has just finished. */
async function lastWritten(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (thrown) {
    if (errorCode(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}
