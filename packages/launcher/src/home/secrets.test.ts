import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOrCreateSecrets } from './secrets.ts';

let file: string;

beforeEach(async () => {
  file = join(await mkdtemp(join(tmpdir(), 'atelier-secrets-')), 'secrets.json');
});

afterEach(() => rm(join(file, '..'), { recursive: true, force: true }));

test('made once, kept, and readable by the owner alone', async () => {
  const made = await readOrCreateSecrets(file);
  expect(made.postgresPassword.length).toBeGreaterThanOrEqual(32);
  expect(await readOrCreateSecrets(file)).toEqual(made);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
});

test('a damaged file is made again', async () => {
  await writeFile(file, '{"postgresPassword":"sho');
  expect((await readOrCreateSecrets(file)).postgresPassword).not.toContain('sho');
});
