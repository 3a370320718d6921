import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireRunLock } from './run-lock.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-lock-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

const gone = JSON.stringify({ pid: 4_194_303, started: 'x 1' });

test('a held lock refuses the second, who is told what to do; a released one does not', async () => {
  const lock = await acquireRunLock(dir);
  await expect(acquireRunLock(dir)).rejects.toThrow(
    `Atelier already runs here (process ${process.pid}): stop it first, or set ATELIER_HOME to another folder to run a second copy.`,
  );
  await lock.release();
  const next = await acquireRunLock(dir);
  await expect(acquireRunLock(dir)).rejects.toThrow(/already runs here/);
  await next.release();
});

test.each([
  ['a process that is gone', gone],
  ['another process that got the same number', JSON.stringify({ pid: process.pid, started: 'before 1' })],
  ['nobody, half-written', '{"pid": 12'],
  ['nobody, empty', ''],
])('the lock of %s is taken over', async (_name, content) => {
  await writeFile(join(dir, '7.json'), content);
  const lock = await acquireRunLock(dir);
  expect(await readdir(dir)).toEqual(['8.json']);
  await expect(acquireRunLock(dir)).rejects.toThrow(/already runs here/);
  await lock.release();
});

test('of many that find a stale lock at once, one gets it', async () => {
  for (let round = 0; round < 40; round += 1) {
    const home = join(dir, String(round));
    await mkdir(home);
    await writeFile(join(home, '1.json'), gone);
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => acquireRunLock(home)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await readdir(home)).filter((name) => !name.endsWith('.json'))).toEqual([]);
  }
});
