import { z } from 'zod';
import { problem } from './problems/to-problem.ts';

/** ComfyUI's folders. */
export const fileFolderSchema = z.enum(['input', 'output', 'temp']);
export type FileFolder = z.infer<typeof fileFolderSchema>;

/** A name within a folder, as ComfyUI's addresses and workflows write it. */
export interface FilePath {
  folder: FileFolder;
  subfolder: string;
  filename: string;
}

const maxNameChars = 200;
// Control characters, and what file systems, ComfyUI's `name [output]` and addresses give a meaning to.
const badName = /[\p{Cc}\p{Cf}/\\:*?"<>|[\]]/u;

/**
 * A name and a subfolder that stay where they are put. Nothing is repaired: a name that is not as it should be is refused.
 *
 * @throws AppError (`FILE_OPERATION_ERROR`)
 */
export function parseFilePath(path: {
  filename: string;
  subfolder?: string | undefined;
  folder: FileFolder;
}): FilePath {
  const subfolder = (path.subfolder ?? '').normalize('NFC').replace(/\/+$/, '');
  const filename = path.filename.normalize('NFC');
  if (!isName(filename)) throw badFileName();
  if (subfolder !== '' && !subfolder.split('/').every(isName)) throw badFileName();
  if (subfolder.length + filename.length > maxNameChars) throw badFileName();
  return { folder: path.folder, subfolder, filename };
}

function isName(name: string): boolean {
  return name !== '' && name.trim() === name && !name.startsWith('.') && !name.endsWith('.') && !badName.test(name);
}

function badFileName() {
  return problem(
    'FILE_OPERATION_ERROR',
    `This file name is not allowed: use up to ${maxNameChars} letters, digits, spaces or . _ - ( ), without a path.`,
    `文件名不合法：请使用不超过 ${maxNameChars} 个字母、数字、空格或 . _ - ( )，不含路径。`,
  );
}
