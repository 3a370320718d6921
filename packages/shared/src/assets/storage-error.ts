import { AppError } from '../errors/app-error.ts';
import { assetHashSchema } from '../contracts/request.ts';
import type { ByteRange } from './asset-store.ts';

const full = new Set(['ENOSPC', 'EDQUOT']);
const refused = new Set(['EACCES', 'EPERM', 'EROFS']);

const fullMessage = {
  en: 'The server has no room left for files; tell its operator. Nothing that was accepted is lost.',
  zh: '服务器存储空间已满，请联系管理员。已接受的请求不会丢失。',
};

/** What the file system threw while storing: `unavailable` for a full disk, `config` where it refuses us. */
export function toStorageError(thrown: unknown, what: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const code = errorCode(thrown);
  if (full.has(code)) {
    return new AppError('unavailable', `${what}: the disk is full (${code})`, {
      cause: thrown,
      publicMessage: fullMessage,
    });
  }
  if (refused.has(code)) {
    return new AppError('config', `${what}: no permission (${code}): check the folder's owner`, { cause: thrown });
  }
  return new AppError('unavailable', `${what} failed (${code === '' ? 'unknown' : code})`, { cause: thrown });
}

/** A store behind HTTP that says it has no room. */
export function storeFullError(what: string): AppError {
  return new AppError('unavailable', `${what}: the store is full`, { publicMessage: fullMessage });
}

export function errorCode(thrown: unknown): string {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
}

export function assetNotFound(hash: string): AppError {
  return new AppError('not_found', `there is no file ${hash}`, {
    publicMessage: { en: 'This file is no longer kept.', zh: '该文件已不再保留。' },
  });
}

export function assetTooLarge(maxBytes: number): AppError {
  const limit = describeBytes(maxBytes);
  return new AppError('too_large', `a file is larger than ${maxBytes} bytes`, {
    publicMessage: {
      en: `This file is too large: at most ${limit} are allowed.`,
      zh: `文件过大：最多允许 ${limit}。`,
    },
    details: { maxBytes },
  });
}

/** A hash becomes part of a path, so nothing else may pass. @throws AppError `invalid_input`. */
export function assertAssetHash(hash: string): void {
  if (!assetHashSchema.safeParse(hash).success) throw new AppError('invalid_input', 'this is no hash of a file');
}

/** @throws AppError `invalid_input` for a range that no file of that size has. */
export function assertByteRange(range: ByteRange | undefined, bytes: number): void {
  if (range === undefined) return;
  const { start, end = start } = range;
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start || start >= bytes) {
    throw new AppError('invalid_input', `a file of ${bytes} bytes has no bytes ${start} to ${range.end ?? 'the end'}`);
  }
}

function describeBytes(bytes: number): string {
  if (bytes < 1_024) return `${bytes} B`;
  if (bytes < 1_048_576) return `${Math.floor(bytes / 1_024)} KB`;
  return `${Math.floor(bytes / 1_048_576)} MB`;
}
