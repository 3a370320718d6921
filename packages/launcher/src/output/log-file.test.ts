import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openLogFile } from './log-file.ts';

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'atelier-log-'));
});

afterEach(() => rm(dir, { recursive: true, force: true }));

test('a full file is moved aside, so that two are kept and the newest lines are in the first', async () => {
  const file = join(dir, 'bot.log');
  const log = openLogFile(file, 30);
  for (let line = 1; line <= 9; line += 1) log.write(`line number ${line}`);
  log.close();
  expect((await readdir(dir)).toSorted()).toEqual(['bot.log', 'bot.log.1']);
  expect(await readFile(file, 'utf8')).toBe('line number 7\nline number 8\nline number 9\n');
  expect(await readFile(`${file}.1`, 'utf8')).toBe('line number 4\nline number 5\nline number 6\n');
});

test('a new start appends', async () => {
  const file = join(dir, 'bot.log');
  for (const text of ['one', 'two']) {
    const log = openLogFile(file);
    log.write(text);
    log.close();
  }
  expect(await readFile(file, 'utf8')).toBe('one\ntwo\n');
});
