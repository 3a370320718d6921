import type { FolderType } from './file-store.ts';

/** A file as nodes and routes name it. */
export interface FileAddress {
  folder: FolderType;
  /** Relative, with `/`, without `.` or `..`. */
  name: string;
}

/**
 * Resolves a relative path as `os.path.normpath` does.
 *
 * @returns the parts joined by `/`, or undefined when it is absolute or leaves the folder.
 */
export function insidePath(path: string): string | undefined {
  if (path.startsWith('/') || path.startsWith('\\') || /^[A-Za-z]:/.test(path) || path.includes('\0')) return undefined;
  const parts: string[] = [];
  for (const part of path.replaceAll('\\', '/').split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join('/');
}

/** Splits `name [output]` as `folder_paths.annotated_filepath` does: the folder is undefined without an annotation. */
export function splitAnnotation(name: string): { name: string; folder: FolderType | undefined } {
  for (const folder of ['output', 'input', 'temp'] as const) {
    // The space before the bracket is cut off with it, whatever character stands there.
    if (name.endsWith(`[${folder}]`)) return { name: name.slice(0, -(folder.length + 3)), folder };
  }
  return { name, folder: undefined };
}

/** The file that an image input means, or undefined when the name leaves its folder. */
export function addressOf(value: string, fallback: FolderType = 'input'): FileAddress | undefined {
  const { name, folder } = splitAnnotation(value);
  const inside = insidePath(name);
  return inside === undefined || inside === '' ? undefined : { folder: folder ?? fallback, name: inside };
}
