import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findBrowser } from './find-browser.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-browser-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test('the name comes before the folder: chromium before Chrome wherever they lie', async () => {
  await writeFile(join(dir, 'google-chrome'), '');
  expect(findBrowser({ PATH: `:${dir}` })).toBe(join(dir, 'google-chrome'));
  await writeFile(join(dir, 'chromium'), '');
  expect(findBrowser({ PATH: dir })).toBe(join(dir, 'chromium'));
});

test('CHROMIUM_PATH goes before all, unless it is blank', async () => {
  await writeFile(join(dir, 'chromium'), '');
  expect(findBrowser({ PATH: dir, CHROMIUM_PATH: '/opt/mine' })).toBe('/opt/mine');
  expect(findBrowser({ PATH: dir, CHROMIUM_PATH: '' })).toBe(join(dir, 'chromium'));
});
