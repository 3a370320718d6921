import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lastLine, runCommand } from '../child/run-command.ts';
import { StartupError } from '../errors/startup-error.ts';

/** The system user that a server runs as. */
export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Postgres refuses to run as root. Started by root it runs as the owner of its data when there is some, else as the user
 * `postgres`, which is created when absent. Undefined means: no change of user is needed.
 */
export async function choosePostgresUser(
  ownUid: number | undefined,
  existingDataDir: string,
  say: (line: string) => void,
): Promise<SystemUser | undefined> {
  if (ownUid !== 0) return undefined;
  const data = await stat(existingDataDir).catch(() => undefined);
  if (data !== undefined && data.uid !== 0) return { uid: data.uid, gid: data.gid };
  const existing = await lookUpUser('postgres');
  if (existing !== undefined) return existing;
  say('Postgres: does not run as root, adding the system user "postgres" for it');
  const added = await runCommand('useradd', [
    '--system',
    '--user-group',
    '--no-create-home',
    '--shell',
    '/bin/false',
    'postgres',
  ]);
  const created = await lookUpUser('postgres');
  if (created !== undefined) return created;
  throw new StartupError(
    `Postgres does not run as root and the user "postgres" could not be added (${lastLine(added.stderr)}): start as an ordinary user, or set DATABASE_URL.`,
  );
}

async function lookUpUser(name: string): Promise<SystemUser | undefined> {
  const [uid, gid] = await Promise.all([runCommand('id', ['-u', name]), runCommand('id', ['-g', name])]);
  if (uid.code !== 0 || gid.code !== 0) return undefined;
  return { uid: Number(uid.stdout.trim()), gid: Number(gid.stdout.trim()) };
}

/** Whether a file mode lets a user enter the folder (execute permission), by owner, group or others in this order. */
export function mayEnter(folder: { uid: number; gid: number; mode: number }, user: SystemUser): boolean {
  if (folder.uid === user.uid) return (folder.mode & 0o100) !== 0;
  if (folder.gid === user.gid) return (folder.mode & 0o010) !== 0;
  return (folder.mode & 0o001) !== 0;
}

/** The outermost folder on the way to `path` that `user` may not enter; folders that do not exist yet are passed over. */
export async function findClosedFolder(path: string, user: SystemUser): Promise<string | undefined> {
  const folders: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    folders.unshift(folder);
    if (dirname(folder) === folder) break;
  }
  for (const folder of folders) {
    const stats = await stat(folder).catch(() => undefined);
    if (stats !== undefined && stats.isDirectory() && !mayEnter(stats, user)) return folder;
  }
  return undefined;
}
