import { createFileIndex } from './file-store.ts';
import type { FileStore, FolderType, StoredFile } from './file-store.ts';

/** Files in memory: nothing is left behind. The folder limit keeps a long run flat: past it the oldest output goes. */
export function createMemoryFiles(now: () => number, maxFiles = 5_000): FileStore {
  const index = createFileIndex();
  const files: Record<FolderType, Map<string, StoredFile>> = { input: new Map(), output: new Map(), temp: new Map() };
  return {
    ...index,
    read: (folder, name) => Promise.resolve(files[folder].get(name)),
    write: (folder, name, bytes) => {
      const all = files[folder];
      all.delete(name);
      all.set(name, { bytes, modifiedAt: now() });
      index.add(folder, name);
      if (folder !== 'input' && all.size > maxFiles) {
        const oldest = all.keys().next();
        if (oldest.done !== true) all.delete(oldest.value);
      }
      return Promise.resolve();
    },
    names: (folder) => [...files[folder].keys()],
    clearTemp: () => {
      files.temp.clear();
      index.clear('temp');
      return Promise.resolve();
    },
  };
}
