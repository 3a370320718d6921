import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findInstalledNatsServer } from './find-nats-server.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-find-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

async function program(folder: string, prints: string): Promise<string> {
  await mkdir(join(dir, folder), { recursive: true });
  await writeFile(join(dir, folder, 'nats-server'), `#!/bin/sh\necho "${prints}"\n`, { mode: 0o755 });
  return join(dir, folder);
}

test('the first new enough server of the PATH is taken, older ones and other programs are passed over', async () => {
  const old = await program('old', 'nats-server: v2.9.10');
  const strange = await program('strange', 'hello');
  const good = await program('good', 'nats-server: v2.11.1');
  const later = await program('later', 'nats-server: v2.12.0');
  const found = await findInstalledNatsServer(join(dir, 'tools'), [old, strange, good, later].join(delimiter));
  expect(found).toEqual({ path: join(good, 'nats-server'), version: '2.11.1' });
});

test('a server fetched earlier is found again, half-made folders are not', async () => {
  await program('tools/fetching-123', 'nats-server: v2.12.0');
  await program('tools/nats-server-2.10.27', 'nats-server: v2.10.27');
  const found = await findInstalledNatsServer(join(dir, 'tools'), '', []);
  expect(found?.path).toBe(join(dir, 'tools/nats-server-2.10.27/nats-server'));
});

test('a fetched server that does not run is none', async () => {
  await program('tools/nats-server-2.10.27', 'Segmentation fault');
  expect(await findInstalledNatsServer(join(dir, 'tools'), '', [])).toBeUndefined();
});
