import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { createFileIndex } from './file-store.ts';
import type { FileStore, FolderType } from './file-store.ts';

const folders: readonly FolderType[] = ['input', 'output', 'temp'];

/** Files under `directory/input`, `output` and `temp`, so that a restarted simulator still has its pictures. */
export function openDiskFiles(directory: string): FileStore {
  const index = createFileIndex();
  for (const folder of folders) {
    const root = join(directory, folder);
    if (folder === 'temp') rmSync(root, { recursive: true, force: true });
    mkdirSync(root, { recursive: true });
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) index.add(folder, relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
    }
  }
  let writes = 0;
  return {
    ...index,
    read: async (folder, name) => {
      const file = join(directory, folder, name);
      try {
        const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)]);
        return { bytes, modifiedAt: mtimeMs };
      } catch (error) {
        if (
          error instanceof Error &&
          'code' in error &&
          (error.code === 'ENOENT' || error.code === 'EISDIR' || error.code === 'ENOTDIR')
        ) {
          return undefined;
        }
        throw error;
      }
    },
    write: async (folder, name, bytes) => {
      const file = join(directory, folder, name);
      await mkdir(dirname(file), { recursive: true });
      // Written aside and renamed: a killed simulator leaves no half picture behind.
      writes += 1;
      const aside = `${file}.${process.pid}.${writes}.part`;
      await writeFile(aside, bytes);
      await rename(aside, file);
      index.add(folder, name);
    },
    clearTemp: async () => {
      rmSync(join(directory, 'temp'), { recursive: true, force: true });
      await mkdir(join(directory, 'temp'), { recursive: true });
      index.clear('temp');
    },
  };
}
