import { mkdirSync, utimesSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createFolderAssetStore } from './folder-asset-store.ts';

const dayMs = 86_400_000;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atelier-folder-store-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

test('a file that is put again while it is being deleted stays', async () => {
  const options = { folder, maxBytes: 1_000 };
  const store = createFolderAssetStore(options);
  const { hash } = await store.put(new TextEncoder().encode('kept'), { mediaType: 'text/plain', maxBytes: 1_000 });
  const path = join(folder, hash.slice(0, 2), hash.slice(2, 4), hash);
  await utimes(path, 0, 0);
  let looks = 0;
  const deleting = createFolderAssetStore({
    ...options,
    now: () => {
      looks += 1;
      // What another process's put does to the age of the file, right after the first look at it.
      if (looks === 1) utimesSync(path, Date.now() / 1_000, Date.now() / 1_000);
      return Date.now();
    },
  });
  expect(await deleting.deleteUnreferenced([hash], { olderThanMs: dayMs })).toBe(0);
  expect(await text(await store.get(hash))).toBe('kept');
  expect(await readdir(join(folder, 'temporary'))).toEqual([]);
});

test('a sweep goes on past a file that is gone by the time it is looked at', async () => {
  const temporary = join(folder, 'temporary');
  mkdirSync(temporary);
  await symlink(join(folder, 'nowhere'), join(temporary, 'a-gone'));
  await writeFile(join(temporary, 'b-left'), 'x');
  await utimes(join(temporary, 'b-left'), 0, 0);
  const store = createFolderAssetStore({ folder, maxBytes: 1_000 });
  expect(await store.sweepTemporary(dayMs)).toBe(1);
  expect(await readdir(temporary)).toEqual(['a-gone']);
});

test('bytes that are stored already are not written again, and their age begins anew', async () => {
  const store = createFolderAssetStore({ folder, maxBytes: 1_000 });
  const put = () => store.put(new TextEncoder().encode('the same'), { mediaType: 'text/plain', maxBytes: 1_000 });
  const first = await put();
  const path = join(folder, first.hash.slice(0, 2), first.hash.slice(2, 4), first.hash);
  const { ino } = await stat(path);
  await utimes(path, 0, 0);
  expect(await put()).toEqual(first);
  const again = await stat(path);
  expect(again.ino).toBe(ino);
  expect(Date.now() - again.mtimeMs).toBeLessThan(dayMs);
  await rm(path);
  expect(await put()).toEqual(first);
  expect(await text(await store.get(first.hash))).toBe('the same');
});

test('bytes that are stored already are refused all the same where they are too many', async () => {
  const store = createFolderAssetStore({ folder, maxBytes: 1_000 });
  const bytes = new TextEncoder().encode('too long');
  await store.put(bytes, { mediaType: 'text/plain', maxBytes: 1_000 });
  await expect(store.put(bytes, { mediaType: 'text/plain', maxBytes: 3 })).rejects.toMatchObject({ code: 'too_large' });
});
