import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@atelier/shared/errors/app-error';

const keyBytes = 32;

/**
 * The key that signs cookies, made at the first start and kept in the state folder, so that people stay who they are
 * over restarts. Two processes that start at once end up with the same one.
 */
export async function loadCookieKey(homeDir: string): Promise<string> {
  const folder = join(homeDir, 'bot');
  const file = join(folder, 'cookie-key');
  const existing = await readKey(file);
  if (existing !== undefined) return existing;
  const draft = `${file}.${randomBytes(8).toString('hex')}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(draft, randomBytes(keyBytes).toString('hex'), { mode: 0o600, flush: true });
  } catch (cause) {
    throw new AppError(
      'config',
      `These settings are missing or wrong:\n  ATELIER_HOME: ${folder} cannot be written to; name a folder of this user`,
      { cause },
    );
  }
  try {
    // Fails where another process was first; a link appears with its whole content or not at all.
    await link(draft, file);
  } catch {
    // Theirs counts.
  } finally {
    await rm(draft, { force: true });
  }
  const key = await readKey(file);
  if (key === undefined) throw new Error(`${file} cannot be read back`);
  return key;
}

async function readKey(file: string): Promise<string | undefined> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    return /^[0-9a-f]{64}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}
