import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readEnvironment } from './read-environment.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-env-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test('the process goes before .env, and blank means unset on both sides', async () => {
  await writeFile(join(dir, '.env'), '# tokens\nA=file\nB="from file"\nC=\nD=file\n');
  expect(await readEnvironment(dir, { A: 'process', B: ' ', C: '', E: 'process' })).toEqual({
    A: 'process',
    B: 'from file',
    D: 'file',
    E: 'process',
  });
});

test('no .env is no fault', async () => {
  expect(await readEnvironment(dir, { A: '1' })).toEqual({ A: '1' });
});

test('a .env that cannot be read is one', async () => {
  await mkdir(join(dir, '.env'));
  await expect(readEnvironment(dir, {})).rejects.toThrow(/\.env cannot be read/);
});
