import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const script = join(import.meta.dirname, 'install-browser.ts');
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-install-'));
  // Whoever runs the tests: root needs no sudo, others find this one.
  await program('sudo', 'shift; exec "$@"');
  await program('true', 'exit 0');
});

afterEach(() => rm(dir, { recursive: true, force: true }));

async function program(name: string, script: string): Promise<void> {
  await writeFile(join(dir, name), `#!/bin/sh\n${script}\n`);
  await chmod(join(dir, name), 0o755);
}

async function install(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string; asked: string[] }> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], {
    env: { PATH: dir },
    encoding: 'utf8',
  });
  const log = await readFile(join(dir, 'asked'), 'utf8').catch(() => '');
  return { code: status, stdout, stderr, asked: log.split('\n').filter((line) => line !== '') };
}

const logged = 'echo "$@" >> "${0%/*}/asked"';

test('chromium is installed from the packages once and then found', async () => {
  await program('apt-get', `${logged}; case "$*" in *install*) : > "\${0%/*}/chromium";; esac`);
  const first = await install();
  expect(first).toMatchObject({ code: 0, stdout: `${join(dir, 'chromium')}\n` });
  expect(first.asked).toEqual([
    '--version',
    '-o DPkg::Lock::Timeout=300 update -q',
    '-o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends chromium',
  ]);
  const second = await install('--for-tests');
  expect(second).toMatchObject({ code: 0, stdout: '', stderr: '' });
  expect(second.asked).toHaveLength(3);
});

test('a failed installation fails the command, but is only a notice before tests', async () => {
  await program('apt-get', `case "$*" in *update*) echo "E: no network" >&2; exit 100;; esac`);
  const direct = await install();
  expect(direct.code).toBe(1);
  expect(direct.stderr).toContain('apt-get update failed (E: no network): install Chromium yourself');
  const beforeTests = await install('--for-tests');
  expect(beforeTests.code).toBe(0);
  expect(beforeTests.stderr).toContain('browser tests will be skipped: apt-get update failed');
});

test('without apt it says what else to do', async () => {
  expect(await install()).toMatchObject({ code: 1, stderr: expect.stringContaining('set CHROMIUM_PATH') });
});
