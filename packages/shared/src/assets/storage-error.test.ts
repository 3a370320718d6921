import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AppError } from '../errors/app-error.ts';
import { spoolFile } from './spool-file.ts';
import { assetTooLarge, toStorageError } from './storage-error.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

describe('errors of the file system', () => {
  it.each(['ENOSPC', 'EDQUOT'])('%s is a full disk: try later, and the operator is named', (code) => {
    const error = toStorageError(failure(code), 'storing a file');
    expect(error).toMatchObject({ code: 'unavailable', retry: 'backoff' });
    expect(error.publicMessage.en).toMatch(/no room.*operator/);
    expect(error.publicMessage.zh).toMatch(/空间已满/);
  });

  it.each(['EACCES', 'EPERM', 'EROFS'])('%s is a matter of setting up', (code) => {
    expect(toStorageError(failure(code), 'storing a file')).toMatchObject({ code: 'config' });
  });

  it('passes on what is known already', () => {
    const known = new AppError('too_large', 'x');
    expect(toStorageError(known, 'storing')).toBe(known);
  });

  // A device that is always full, where the system has it.
  it.runIf(existsSync('/dev/full'))('come as such from a disk that is really full', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'atelier-full-'));
    // A link, since what could not be written is removed.
    const path = join(folder, 'file');
    await symlink('/dev/full', path);
    await expect(spoolFile(new Uint8Array(10), path, 100)).rejects.toMatchObject({
      code: 'unavailable',
      publicMessage: { en: expect.stringContaining('no room') },
    });
    expect(await readdir(folder)).toEqual([]);
    await rm(folder, { recursive: true });
  });
});

describe('a file that is too large', () => {
  it.each([
    [500, '500 B'],
    [2_048, '2 KB'],
    [536_870_912, '512 MB'],
  ])('is refused with the limit in words: %d', (maxBytes, words) => {
    expect(assetTooLarge(maxBytes).publicMessage.en).toContain(words);
  });
});
