import { AwsClient } from 'aws4fetch';
import { randomUUID } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { AppError } from '../errors/app-error.ts';
import type { AssetInfo, AssetStore } from './asset-store.ts';
import { spoolFile, sweepFolder } from './spool-file.ts';
import { assertAssetHash, assertByteRange, assetNotFound, assetTooLarge, storeFullError } from './storage-error.ts';

/** Largest object of a single PUT (Amazon S3 user guide, "Uploading objects", 2026). */
const maxPutBytes = 5 * 1_024 ** 3;
const tries = 3;
const shortTimeoutMs = 15_000;
/** A transfer slower than this is given up. */
const slowestBytesPerMs = 50;

export interface S3AssetStoreOptions {
  /** `https://host[:port]`; the bucket goes into the path, which every S3-compatible store understands. */
  endpoint: string;
  region: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
  /** Local folder in which a file is gathered before its hash, and so its name, is known. */
  spoolFolder: string;
  maxBytes: number;
  randomId?: () => string;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * Assets as objects `assets/ab/cd/abcd…` of a bucket, by Signature Version 4 with the payload signed: the hash that
 * names a file also has the store refuse one that arrives damaged.
 */
export function createS3AssetStore(options: S3AssetStoreOptions): AssetStore {
  const client = new AwsClient({
    accessKeyId: options.accessKeyId,
    secretAccessKey: options.secretAccessKey,
    region: options.region,
    service: 's3',
    // Repeats are ours: they follow what the answer says.
    retries: 0,
  });
  const randomId = options.randomId ?? randomUUID;
  const now = options.now ?? Date.now;
  const base = `${options.endpoint.replace(/\/+$/, '')}/${encodeURIComponent(options.bucket)}`;

  function addressOf(hash: string): string {
    assertAssetHash(hash);
    return `${base}/assets/${hash.slice(0, 2)}/${hash.slice(2, 4)}/${hash}`;
  }

  /**
   * Sends a request once. The answer is any below 500; its body is the caller's, without a time limit, since a reader may
   * take its time.
   *
   * @throws AppError `unavailable` for what may pass.
   */
  async function sendOnce(
    what: string,
    address: string,
    init: RequestInit,
    timeoutMs = shortTimeoutMs,
  ): Promise<Response> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeoutMs);
    let response: Response;
    try {
      response = await client.fetch(address, { ...init, signal: late.signal });
    } catch (cause) {
      throw new AppError('unavailable', `${what}: the S3 store does not answer`, { cause });
    } finally {
      clearTimeout(timer);
    }
    if (response.status < 500 && response.status !== 429) return response;
    await response.body?.cancel();
    throw response.status === 507
      ? storeFullError(what)
      : new AppError('unavailable', `${what}: the S3 store answers ${response.status}`);
  }

  /** The same for a request that may be repeated: again after what may pass. */
  function send(what: string, address: string, init: RequestInit, timeoutMs = shortTimeoutMs): Promise<Response> {
    return repeat(() => sendOnce(what, address, init, timeoutMs));
  }

  async function headObject(hash: string, ask = send): Promise<{ info: AssetInfo; modifiedAt: number } | undefined> {
    const response = await ask('looking for a file', addressOf(hash), { method: 'HEAD' });
    if (response.status === 404) return undefined;
    if (!response.ok) throw await refusal(response, 'looking for a file');
    const mediaType = response.headers.get('content-type');
    return {
      info: {
        bytes: Number(response.headers.get('content-length') ?? 0),
        ...(mediaType === null ? {} : { mediaType }),
      },
      modifiedAt: Date.parse(response.headers.get('last-modified') ?? ''),
    };
  }

  async function deleteObject(hash: string): Promise<void> {
    const response = await sendOnce('deleting a file', addressOf(hash), { method: 'DELETE' });
    if (!response.ok && response.status !== 404) throw await refusal(response, 'deleting a file');
    await response.body?.cancel();
  }

  /**
   * Looks before every try: a DELETE whose answer was lost, sent again blindly, would take what was put since. S3 has no
   * "delete unless it was put again" (the same bytes have the same ETag), so some milliseconds remain between the look and the
   * DELETE. Whoever puts, in just these, the bytes that nothing has referred to for hours finds the file missing at its next
   * use, which says so, as of a file whose time is over.
   */
  async function deleteOlder(hash: string, thanMs: number): Promise<boolean> {
    let tried = false;
    return repeat(async () => {
      const found = await headObject(hash, sendOnce);
      if (found === undefined) return tried;
      if (!(now() - found.modifiedAt >= thanMs)) return false;
      tried = true;
      await deleteObject(hash);
      return true;
    });
  }

  async function download(hash: string, headers: { range?: string }): Promise<Readable> {
    const response = await send('reading a file', addressOf(hash), { headers });
    if (!response.ok) {
      const error = await refusal(response, 'reading a file');
      throw response.status === 404 && error.code !== 'config' ? assetNotFound(hash) : error;
    }
    if (headers.range !== undefined && response.status !== 206) {
      await response.body?.cancel();
      throw new AppError('config', 'reading a file: the S3 store does not know ranges: use another one');
    }
    return response.body === null ? Readable.from([]) : Readable.fromWeb(response.body);
  }

  return {
    async put(source, { mediaType, maxBytes }) {
      const spooled = join(options.spoolFolder, randomId());
      const limit = Math.min(maxBytes, options.maxBytes, maxPutBytes);
      const stored = await spoolFile(source, spooled, limit);
      try {
        const body = await openAsBlob(spooled);
        const headers = { 'content-type': mediaType, 'x-amz-content-sha256': stored.hash };
        const timeoutMs = shortTimeoutMs + stored.bytes / slowestBytesPerMs;
        const response = await send(
          'storing a file',
          addressOf(stored.hash),
          { method: 'PUT', headers, body },
          timeoutMs,
        );
        if (response.status === 413) throw assetTooLarge(limit);
        if (!response.ok) throw await refusal(response, 'storing a file');
        await response.body?.cancel();
        return stored;
      } finally {
        await rm(spooled, { force: true });
      }
    },

    async get(hash, range) {
      if (range === undefined) return download(hash, {});
      // The answer to a range beyond the end differs between stores; the size decides for all alike.
      const found = await headObject(hash);
      if (found === undefined) throw assetNotFound(hash);
      assertByteRange(range, found.info.bytes);
      return download(hash, { range: `bytes=${range.start}-${range.end ?? ''}` });
    },

    async head(hash) {
      return (await headObject(hash))?.info;
    },

    delete: (hash) => repeat(() => deleteObject(hash)),

    async deleteUnreferenced(hashes, { olderThanMs }) {
      let deleted = 0;
      for (const hash of hashes) if (await deleteOlder(hash, olderThanMs)) deleted++;
      return deleted;
    },

    sweepTemporary: (olderThanMs) => sweepFolder(options.spoolFolder, olderThanMs, now()),
  };
}

/** Does what may be repeated, and again after what may pass. */
async function repeat<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === tries || !(error instanceof AppError) || error.code !== 'unavailable') throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 100 * 4 ** (attempt - 1)));
  }
}

/** What the store refused, by the code in its answer (Amazon S3 API reference, "Error responses"). */
async function refusal(response: Response, what: string): Promise<AppError> {
  const text = await response.text().catch(() => '');
  const code = /<Code>(\w{1,60})<\/Code>/.exec(text)?.[1] ?? String(response.status);
  if (/QuotaExceeded|InsufficientStorage|XMinioStorageFull/.test(code)) return storeFullError(what);
  if (response.status === 401 || response.status === 403) {
    return new AppError('config', `${what}: the S3 store refuses us (${code}): check the ASSETS_S3_ settings`);
  }
  if (code === 'NoSuchBucket') {
    return new AppError('config', `${what}: the bucket does not exist: check ASSETS_S3_BUCKET`);
  }
  return new AppError('unavailable', `${what}: the S3 store answers ${code}`);
}
