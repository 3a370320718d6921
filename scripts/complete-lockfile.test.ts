import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const script = join(import.meta.dirname, 'complete-lockfile.mjs');
let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-lock-'));
});

afterAll(() => rm(dir, { recursive: true, force: true }));

test('the project’s own lock lacks nothing, so that npm ci takes it on every platform', async () => {
  const copy = join(dir, 'own.json');
  await writeFile(copy, await readFile(join(import.meta.dirname, '../package-lock.json')));
  expect(spawnSync(process.execPath, [script, copy], { encoding: 'utf8' }).stdout).toMatch(
    /^0 platform packages added/,
  );
});

test('a platform package that is missing is added with its platform, others are left alone', async () => {
  const file = join(dir, 'lock.json');
  const tool = {
    version: '1.2.3',
    dev: true,
    license: 'MIT',
    optionalDependencies: {
      '@x/binding-linux-arm64-musl': '1.2.3',
      '@x/darwin-x64': '1.2.3',
      fsevents: '~2.3.3',
      'other-linux-x64': '^1.0.0',
    },
  };
  const known = { version: '1.2.3', cpu: ['x64'], os: ['darwin'], integrity: 'sha512-abc', optional: true };
  await writeFile(
    file,
    JSON.stringify({
      lockfileVersion: 3,
      packages: { 'node_modules/@x/darwin-x64': known, 'node_modules/tool': tool },
    }),
  );
  spawnSync(process.execPath, [script, file]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
    lockfileVersion: 3,
    packages: {
      'node_modules/@x/binding-linux-arm64-musl': {
        version: '1.2.3',
        cpu: ['arm64'],
        dev: true,
        libc: ['musl'],
        license: 'MIT',
        optional: true,
        os: ['linux'],
      },
      'node_modules/@x/darwin-x64': known,
      'node_modules/tool': tool,
    },
  });
});
