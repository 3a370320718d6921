import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { findClosedFolder, type SystemUser } from './postgres-user.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';

/** Where another user can always reach files that root puts there. */
const openRoot = '/var/lib/atelier';

/**
 * The folder for a cluster: the wanted one, or one under `/var/lib/atelier` when the server's user cannot enter the
 * wanted one (root's clone in /root or in a private temporary folder).
 */
export async function placeCluster(
  wantedDir: string,
  user: SystemUser | undefined,
  say: (line: string) => void,
): Promise<string> {
  if (user === undefined) return wantedDir;
  const closed = await findClosedFolder(dirname(wantedDir), user);
  if (closed === undefined) return wantedDir;
  const key = createHash('sha256').update(wantedDir).digest('hex').slice(0, 12);
  const dir = join(openRoot, `${basename(wantedDir)}-${key}`);
  say(`Postgres: its user may not enter ${closed}, so its data is kept in ${dir}`);
  await mkdir(dir, { recursive: true });
  return dir;
}

/** The programs where the server's user can run them: in node_modules, or copied once to `/var/lib/atelier`. */
export async function placeBinaries(
  binaries: PostgresBinaries,
  user: SystemUser | undefined,
  say: (line: string) => void,
): Promise<PostgresBinaries> {
  if (user === undefined || (await findClosedFolder(binaries.nativeDir, user)) === undefined) return binaries;
  const nativeDir = join(openRoot, binaries.release);
  if (!existsSync(nativeDir)) {
    say(`Postgres: copying its programs to ${nativeDir}, where its user can run them`);
    const staging = join(openRoot, `copying-${randomUUID()}`);
    await mkdir(openRoot, { recursive: true });
    try {
      await cp(binaries.nativeDir, staging, { recursive: true, verbatimSymlinks: true });
      await chmod(staging, 0o755);
      await rename(staging, nativeDir).catch((error: unknown) => {
        // A start in another clone was faster.
        if (!existsSync(nativeDir)) throw error;
      });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  }
  return { ...binaries, nativeDir };
}
