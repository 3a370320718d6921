import { uuidSchema } from '@atelier/shared/contracts/identity';
import { problem } from './problems/to-problem.ts';

/** An opaque text that stands for the last row of a page: the next page begins after it. */
export function encodeCursor(id: string): string {
  return Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');
}

/** @throws AppError (`VALIDATION_ERROR`) for what is no cursor of ours. */
export function decodeCursor(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const hex = Buffer.from(text, 'base64url').toString('hex');
  const id = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  const parsed = uuidSchema.safeParse(id);
  if (parsed.success && encodeCursor(parsed.data) === text) return parsed.data;
  throw problem(
    'VALIDATION_ERROR',
    'This cursor is not one of ours: leave it out to begin at the newest.',
    '游标无效：去掉它即可从最新一条开始。',
  );
}
