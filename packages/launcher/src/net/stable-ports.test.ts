import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFreePort, holdPort, isPortFree } from './free-port.ts';
import { openStablePorts } from './stable-ports.ts';

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-ports-'));
  file = join(dir, 'ports.json');
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test('a port stays the same from start to start', async () => {
  const first = await (await openStablePorts(file)).choose('nats');
  expect(await (await openStablePorts(file)).choose('nats')).toBe(first);
});

test('the preferred port is taken when it is free, another when it is not', async () => {
  const preferred = await findFreePort();
  expect(await (await openStablePorts(file)).choose('web', { preferred })).toBe(preferred);
  const held = await holdPort(preferred, '127.0.0.1');
  const other = await (await openStablePorts(file)).choose('web', { preferred });
  await held?.release();
  expect(other).not.toBe(preferred);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({ web: other });
});

test('two names never get one port, also when chosen at once', async () => {
  const ports = await openStablePorts(file);
  const preferred = await findFreePort();
  const chosen = [await ports.choose('web', { preferred }), await ports.choose('nats', { preferred })];
  expect(new Set(chosen).size).toBe(2);
  await Promise.all([ports.choose('postgres'), ports.choose('simulator')]);
  const stored: unknown = JSON.parse(await readFile(file, 'utf8'));
  expect(Object.keys(stored as object).toSorted()).toEqual(['nats', 'postgres', 'simulator', 'web']);
});

test('a damaged file is forgotten', async () => {
  await writeFile(file, '{"web": 99999');
  expect(await (await openStablePorts(file)).choose('web')).toBeGreaterThan(0);
});

test('a held port is not free, a released one is', async () => {
  const port = await findFreePort();
  const held = await holdPort(port, '127.0.0.1');
  expect(await isPortFree(port)).toBe(false);
  expect(await holdPort(port, '127.0.0.1')).toBeUndefined();
  await held?.release();
  expect(await isPortFree(port)).toBe(true);
});
