import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { identifyProcess, isSameProcess, processIdentity } from '../child/process-identity.ts';
import { StartupError } from '../errors/startup-error.ts';

export interface RunLock {
  /** Gives the folder free for the next start. */
  release(): Promise<void>;
}

const maxTakeovers = 5;

/**
 * Makes sure that one launcher at a time uses a state folder. The lock of a run that was killed is recovered: it names
 * its holder by process id and start time, so a number that another program has got since does not count.
 *
 * @throws StartupError when a launcher runs there.
 */
export async function acquireRunLock(lockFile: string): Promise<RunLock> {
  const mine = JSON.stringify(await identifyProcess(process.pid));
  for (let attempt = 0; attempt < maxTakeovers; attempt += 1) {
    if (await putInPlace(lockFile, mine)) return { release: () => removeIfMine(lockFile, mine) };
    const text = await readFile(lockFile, 'utf8').catch(() => undefined);
    if (text === undefined) continue;
    const holder = parseHolder(text);
    if (holder !== undefined && (await isSameProcess(holder)))
      throw new StartupError(
        `Atelier already runs here (process ${holder.pid}): stop it first, or set ATELIER_HOME to another folder to run a second copy.`,
      );
    await removeStale(lockFile, text);
  }
  throw new StartupError(
    `The lock ${lockFile} keeps changing hands: wait until no other start is under way and try again.`,
  );
}

/** A lock appears with its content or not at all: a link to a finished file fails when the name is taken. */
async function putInPlace(lockFile: string, content: string): Promise<boolean> {
  const aside = `${lockFile}.${randomUUID()}`;
  await writeFile(aside, content, { mode: 0o600 });
  try {
    await link(aside, lockFile);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Two starts may find the same stale lock: the slower one must not remove what the faster one put there. */
async function removeStale(lockFile: string, staleText: string): Promise<void> {
  const aside = `${lockFile}.${randomUUID()}`;
  try {
    await rename(lockFile, aside);
  } catch {
    return;
  }
  const removed = await readFile(aside, 'utf8');
  if (removed !== staleText) await link(aside, lockFile).catch(() => undefined);
  await rm(aside, { force: true });
}

async function removeIfMine(lockFile: string, mine: string): Promise<void> {
  if ((await readFile(lockFile, 'utf8').catch(() => '')) === mine) await rm(lockFile, { force: true });
}

function parseHolder(text: string): z.infer<typeof processIdentity> | undefined {
  try {
    return processIdentity.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}
