import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { choosePostgresUser, findClosedFolder, mayEnter } from './postgres-user.ts';

const user = { uid: 4_000_000, gid: 4_000_001 };
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-user-'));
  await chmod(dir, 0o755);
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test.each([
  ['the owner by the owner bit', { uid: user.uid, gid: 0, mode: 0o700 }, true],
  ['the owner not by the bit of others', { uid: user.uid, gid: 0, mode: 0o077 }, false],
  ['the group by the group bit', { uid: 0, gid: user.gid, mode: 0o710 }, true],
  ['others by the bit of others', { uid: 0, gid: 0, mode: 0o711 }, true],
  ['others not without it', { uid: 0, gid: 0, mode: 0o770 }, false],
])('%s', (_name, folder, entered) => {
  expect(mayEnter(folder, user)).toBe(entered);
});

test('the closed folder on the way is named, absent folders are not', async () => {
  const closed = join(dir, 'closed');
  await mkdir(closed, { mode: 0o700 });
  expect(await findClosedFolder(join(closed, 'a', 'b'), user)).toBe(closed);
  await chmod(closed, 0o711);
  expect(await findClosedFolder(join(closed, 'a', 'b'), user)).toBeUndefined();
});

test('an ordinary user keeps being itself', async () => {
  expect(await choosePostgresUser(1_000, dir, () => undefined)).toBeUndefined();
});
