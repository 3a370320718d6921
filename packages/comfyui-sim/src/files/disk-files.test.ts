import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDiskFiles } from './disk-files.ts';
import { createMemoryFiles } from './memory-files.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'comfyui-sim-'));
});

afterEach(() => rm(directory, { recursive: true, force: true }));

const bytes = Buffer.from('picture');

describe('files on disk', () => {
  it('are there again after a restart, counters too; temp files are not', async () => {
    const first = openDiskFiles(directory);
    await first.write('output', 'sub/img_00007_.png', bytes);
    await first.write('input', 'a.png', bytes);
    await first.write('temp', 'x_00001_.png', bytes);
    expect(await readdir(join(directory, 'output', 'sub'))).toEqual(['img_00007_.png']);
    const second = openDiskFiles(directory);
    expect(second.names('output')).toEqual(['sub/img_00007_.png']);
    expect(second.nextCounter('output', 'sub/img')).toBe(8);
    expect(second.nextCounter('output', 'other')).toBe(1);
    expect((await second.read('output', 'sub/img_00007_.png'))?.bytes.equals(bytes)).toBe(true);
    expect(second.names('temp')).toEqual([]);
    expect(await second.read('temp', 'x_00001_.png')).toBeUndefined();
  });

  it('are absent rather than an error when a name is a folder', async () => {
    const files = openDiskFiles(directory);
    await files.write('output', 'sub/a.png', bytes);
    await writeFile(join(directory, 'output', 'plain'), 'x');
    expect(await files.read('output', 'sub')).toBeUndefined();
    expect(await files.read('output', 'plain/below.png')).toBeUndefined();
  });
});

describe('files in memory', () => {
  it('drop the oldest outputs past their cap, never inputs, and count on', async () => {
    const files = createMemoryFiles(() => 0, 3 * bytes.length);
    for (let number = 1; number <= 5; number += 1) {
      await files.write('output', `a_0000${number}_.png`, bytes);
      await files.write('input', `in${number}.png`, bytes);
    }
    expect(files.names('output')).toEqual(['a_00003_.png', 'a_00004_.png', 'a_00005_.png']);
    expect(files.names('input').length).toBe(5);
    expect(files.nextCounter('output', 'a')).toBe(6);
    expect(files.inputRevision()).toBe(5);
  });
});
