import { mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ExpiredRequest } from './expire-history.ts';

const compress = promisify(gzip);

/**
 * Keeps expired requests as lines of JSON in `<folder>/<year>-<month>.ndjson.gz`, by the month in which they end up there
 * (UTC). Each batch is a gzip member of its own: `zcat` reads them as one file. On disk when it resolves. A crash may write a
 * batch twice; a reader keeps the first line of each request id.
 */
export async function archiveRequests(folder: string, requests: readonly ExpiredRequest[], now: Date): Promise<void> {
  await mkdir(folder, { recursive: true });
  const lines = requests.map((request) => `${JSON.stringify(request)}\n`).join('');
  const file = await open(path.join(folder, `${now.toISOString().slice(0, 7)}.ndjson.gz`), 'a');
  try {
    await file.appendFile(await compress(lines));
    await file.sync();
  } finally {
    await file.close();
  }
}
