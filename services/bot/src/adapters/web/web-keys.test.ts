import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeFolder } from '../../app-fixtures.ts';
import { loadCookieKey } from './web-keys.ts';

it('makes one key, for its owner alone, whoever asks first', async () => {
  const folder = await makeFolder();
  const keys = new Set(await Promise.all(Array.from({ length: 8 }, () => loadCookieKey(folder.path))));
  keys.add(await loadCookieKey(folder.path));
  expect(keys.size).toBe(1);
  expect([...keys][0]).toMatch(/^[0-9a-f]{64}$/);
  expect(await readdir(join(folder.path, 'bot'))).toEqual(['cookie-key']);
  const { mode } = await stat(join(folder.path, 'bot/cookie-key'));
  expect(mode & 0o077).toBe(0);
  await folder.remove();
});

it('says which setting to change where it cannot be kept', async () => {
  const folder = await makeFolder();
  await mkdir(folder.path, { recursive: true });
  await writeFile(join(folder.path, 'bot'), 'a file in the way');
  await expect(loadCookieKey(folder.path)).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining('ATELIER_HOME'),
  });
  await folder.remove();
});
