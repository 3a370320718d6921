import { randomUUID } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identifyProcess, isSameProcess, processIdentity, type ProcessIdentity } from '../child/process-identity.ts';
import { StartupError } from '../errors/startup-error.ts';
import { writeJsonFile } from './json-file.ts';

export interface RunLock {
  /** Gives the folder free for the next start. */
  release(): Promise<void>;
}

const maxAttempts = 50;

/**
 * Makes sure that one launcher at a time uses a state folder. The lock of a run that was killed is recovered: it names
 * its holder by process id and start time, so a number that another program has got since does not count.
 *
 * Nobody ever removes a lock to take it, since between looking and removing it may have become somebody else's. Locks are
 * numbered files: the highest number is the lock; who finds its holder gone creates the next number, which only one can, and
 * holds it if no higher number exists after that. Lower numbers are litter that the holder removes.
 *
 * @throws StartupError when a launcher runs there.
 */
export async function acquireRunLock(lockDir: string): Promise<RunLock> {
  await mkdir(lockDir, { recursive: true });
  const me = await identifyProcess(process.pid);
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    const latest = await latestLock(lockDir);
    const holder = latest === 0 ? undefined : await readHolder(lockDir, latest);
    if (holder !== undefined && (await isSameProcess(holder)))
      throw new StartupError(
        `Atelier already runs here (process ${holder.pid}): stop it first, or set ATELIER_HOME to another folder to run a second copy.`,
      );
    const mine = latest + 1;
    if (!(await createLock(lockDir, mine, me))) continue;
    if ((await latestLock(lockDir)) > mine) {
      await rm(lockFile(lockDir, mine), { force: true });
      continue;
    }
    await removeLitter(lockDir, mine);
    // The number stays taken: were it free again, a slow start that looked before could take it beside the next holder.
    return { release: () => writeJsonFile(lockFile(lockDir, mine), { released: true }) };
  }
  throw new StartupError(
    `The lock in ${lockDir} keeps changing hands: wait until no other start is under way and try again.`,
  );
}

function lockFile(lockDir: string, number: number): string {
  return join(lockDir, `${number}.json`);
}

/** The highest number in the folder, 0 when there is none. */
async function latestLock(lockDir: string): Promise<number> {
  const numbers = (await readdir(lockDir)).map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1] ?? 0));
  return Math.max(0, ...numbers);
}

/** A lock appears with its content or not at all: a link to a finished file fails when the name is taken. */
async function createLock(lockDir: string, number: number, holder: ProcessIdentity): Promise<boolean> {
  const aside = join(lockDir, randomUUID());
  await writeFile(aside, JSON.stringify(holder), { mode: 0o600 });
  try {
    await link(aside, lockFile(lockDir, number));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

/** Undefined for a lock that was released, removed as litter, or damaged. */
async function readHolder(lockDir: string, number: number): Promise<ProcessIdentity | undefined> {
  try {
    return processIdentity.parse(JSON.parse(await readFile(lockFile(lockDir, number), 'utf8')));
  } catch {
    return undefined;
  }
}

async function removeLitter(lockDir: string, mine: number): Promise<void> {
  for (let number = mine - 1; number > 0; number -= 1) {
    const removed = await rm(lockFile(lockDir, number)).then(
      () => true,
      () => false,
    );
    // What is lower was removed by those before.
    if (!removed) return;
  }
}
