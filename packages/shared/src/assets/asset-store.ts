import type { Readable } from 'node:stream';

/** The bytes to store, in one piece or as they come. A stream that fails has stored nothing. */
export type AssetSource = Uint8Array | AsyncIterable<Uint8Array>;

export interface PutOptions {
  mediaType: string;
  /** Refuses what is larger; the store's own limit counts too. */
  maxBytes: number;
}

export interface StoredAsset {
  /** SHA-256 of the bytes, in lowercase hex: the file's name everywhere. */
  hash: string;
  bytes: number;
}

export interface AssetInfo {
  bytes: number;
  /** As it was put, where the store keeps that; else what the content shows. */
  mediaType?: string;
}

/** Positions of the first and the last byte, both included. An `end` beyond the file means to its end. */
export interface ByteRange {
  start: number;
  end?: number;
}

export interface SweepOptions {
  /** Spares what was put within this time, even again: its reference may be in a transaction that is still open. */
  olderThanMs: number;
}

/**
 * Files by content hash: what is stored under a hash never changes, and storing it twice is storing it once. A file is
 * there completely or not at all, and when `put` has resolved it survives a power cut as far as the medium allows.
 *
 * Who needs a file is known to the database alone; it tells which are no longer referenced.
 *
 * Errors: `invalid_input` for what is no hash or no possible range; `unavailable` where the store is away or full;
 * `config` where it refuses us.
 */
export interface AssetStore {
  /** @throws AppError `too_large`; whatever a source throws, as it is. */
  put(source: AssetSource, options: PutOptions): Promise<StoredAsset>;
  /** The caller reads the stream to its end or destroys it. @throws AppError `not_found`. */
  get(hash: string, range?: ByteRange): Promise<Readable>;
  /** Undefined where there is no such file. */
  head(hash: string): Promise<AssetInfo | undefined>;
  /** Deleting what is not there is fine. */
  delete(hash: string): Promise<void>;
  /** Deletes those of the hashes that are old enough. @returns how many were deleted. */
  deleteUnreferenced(hashes: Iterable<string>, options: SweepOptions): Promise<number>;
  /** Removes what interrupted puts of killed processes left behind. @returns how many files. */
  sweepTemporary(olderThanMs: number): Promise<number>;
}
