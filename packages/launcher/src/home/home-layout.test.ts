import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHome, homeLayout } from './home-layout.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-home-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test('all state lies under the one folder, which others may pass through and not list', async () => {
  const layout = homeLayout(join(dir, 'a', 'b'));
  await createHome(layout);
  await createHome(layout);
  for (const path of Object.values(layout)) expect(path.startsWith(join(dir, 'a', 'b'))).toBe(true);
  expect((await stat(layout.root)).mode & 0o777).toBe(0o711);
});

test('a state folder that cannot be is told in one sentence', async () => {
  await writeFile(join(dir, 'file'), '');
  await expect(createHome(homeLayout(join(dir, 'file', 'home')))).rejects.toThrow(
    /The state folder .* cannot be written to: run this as its owner, or set ATELIER_HOME to another folder\.$/,
  );
});
