import { createFileIndex } from './file-store.ts';
import type { FileStore, FolderType, StoredFile } from './file-store.ts';

/**
 * Files in memory: nothing is left behind.
 *
 * @param maxBytes of output and temp files each; past it the oldest go, so that a long run stays flat.
 */
export function createMemoryFiles(now: () => number, maxBytes = 256 * 1024 * 1024): FileStore {
  const index = createFileIndex();
  const files: Record<FolderType, Map<string, StoredFile>> = { input: new Map(), output: new Map(), temp: new Map() };
  const sizes: Record<FolderType, number> = { input: 0, output: 0, temp: 0 };

  function remove(folder: FolderType, name: string): void {
    sizes[folder] -= files[folder].get(name)?.bytes.length ?? 0;
    files[folder].delete(name);
    index.remove(folder, name);
  }

  return {
    ...index,
    read: (folder, name) => Promise.resolve(files[folder].get(name)),
    write: (folder, name, bytes) => {
      remove(folder, name);
      files[folder].set(name, { bytes, modifiedAt: now() });
      sizes[folder] += bytes.length;
      index.add(folder, name);
      if (folder !== 'input') {
        for (const oldest of files[folder].keys()) {
          if (sizes[folder] <= maxBytes || oldest === name) break;
          remove(folder, oldest);
        }
      }
      return Promise.resolve();
    },
    clearTemp: () => {
      files.temp.clear();
      sizes.temp = 0;
      index.clear('temp');
      return Promise.resolve();
    },
  };
}
