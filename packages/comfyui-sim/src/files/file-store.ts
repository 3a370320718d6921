/** ComfyUI's three folders. */
export type FolderType = 'input' | 'output' | 'temp';

export interface StoredFile {
  bytes: Buffer;
  /** Milliseconds since 1970. */
  modifiedAt: number;
}

/**
 * Where input, output and temp files live. Names are relative to the folder, with `/`; the caller has refused every name
 * that leaves it.
 */
export interface FileStore {
  read: (folder: FolderType, name: string) => Promise<StoredFile | undefined>;
  write: (folder: FolderType, name: string, bytes: Buffer) => Promise<void>;
  /** All names in a folder. */
  names: (folder: FolderType) => readonly string[];
  /** Counts changes of the input folder, which `object_info` lists. */
  inputRevision: () => number;
  /** Takes the next free number behind `prefix_`, as ComfyUI finds it: one above the highest that exists. */
  nextCounter: (folder: FolderType, prefix: string) => number;
  /** ComfyUI empties its temp folder at start. */
  clearTemp: () => Promise<void>;
}

/** Names and counters over any storage of bytes. */
export function createFileIndex(): Pick<FileStore, 'names' | 'inputRevision' | 'nextCounter'> & {
  add(folder: FolderType, name: string): void;
  /** Drops a name; its number stays taken. */
  remove(folder: FolderType, name: string): void;
  clear(folder: FolderType): void;
} {
  const names: Record<FolderType, Set<string>> = { input: new Set(), output: new Set(), temp: new Set() };
  const counters: Record<FolderType, Map<string, number>> = { input: new Map(), output: new Map(), temp: new Map() };
  let revision = 0;
  return {
    names: (folder) => [...names[folder]],
    inputRevision: () => revision,
    nextCounter: (folder, prefix) => (counters[folder].get(prefix.toLowerCase()) ?? 0) + 1,
    add: (folder, name) => {
      names[folder].add(name);
      if (folder === 'input') revision += 1;
      const match = /^(.*)_(\d+)_[^/]*$/.exec(name);
      if (match?.[1] === undefined) return;
      const prefix = match[1].toLowerCase();
      const count = Number(match[2]);
      if (count > (counters[folder].get(prefix) ?? 0)) counters[folder].set(prefix, count);
    },
    remove: (folder, name) => {
      names[folder].delete(name);
    },
    clear: (folder) => {
      names[folder].clear();
      counters[folder].clear();
    },
  };
}
