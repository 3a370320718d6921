import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { identifyProcess } from '../child/process-identity.ts';
import { acquireRunLock } from './run-lock.ts';

let dir: string;
let lockFile: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-lock-'));
  lockFile = join(dir, 'lock.json');
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test('a held lock refuses the second, who is told what to do; a released one does not', async () => {
  const lock = await acquireRunLock(lockFile);
  await expect(acquireRunLock(lockFile)).rejects.toThrow(
    `Atelier already runs here (process ${process.pid}): stop it first, or set ATELIER_HOME to another folder to run a second copy.`,
  );
  await lock.release();
  await (await acquireRunLock(lockFile)).release();
  expect(await readdir(dir)).toEqual([]);
});

test.each([
  ['a process that is gone', async () => JSON.stringify({ pid: 4_194_303, started: 'x 1' })],
  ['another process that got the same number', async () => JSON.stringify({ pid: process.pid, started: 'before 1' })],
  ['nobody, half-written', async () => '{"pid": 12'],
  ['nobody, empty', async () => ''],
])('the lock of %s is taken over', async (_name, content) => {
  await writeFile(lockFile, await content());
  const lock = await acquireRunLock(lockFile);
  expect(JSON.parse(await readFile(lockFile, 'utf8'))).toEqual(await identifyProcess(process.pid));
  await lock.release();
});

test('of many that find a stale lock at once, one gets it', async () => {
  await writeFile(lockFile, JSON.stringify({ pid: 4_194_303, started: 'x 1' }));
  const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => acquireRunLock(lockFile)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(await readdir(dir)).toEqual(['lock.json']);
});
