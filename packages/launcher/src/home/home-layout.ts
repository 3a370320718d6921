import { access, chmod, constants, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StartupError } from '../errors/startup-error.ts';

/** Where things lie under the state folder; all paths are absolute. */
export interface HomeLayout {
  readonly root: string;
  /** Inputs, outputs and thumbnails by content hash. */
  readonly assetsDir: string;
  readonly natsDir: string;
  readonly postgresDir: string;
  readonly simulatorDir: string;
  /** One file a process: what it printed. */
  readonly logsDir: string;
  /** Held by the one launcher that runs here. */
  readonly lockDir: string;
  /** What runs now, for the terminal commands and for clearing up after a kill. */
  readonly runFile: string;
  /** Ports chosen at the first start. */
  readonly portsFile: string;
  /** Passwords made here, readable by the owner alone. */
  readonly secretsFile: string;
}

export function homeLayout(root: string): HomeLayout {
  return {
    root,
    assetsDir: join(root, 'assets'),
    natsDir: join(root, 'nats'),
    postgresDir: join(root, 'postgres'),
    simulatorDir: join(root, 'simulator'),
    logsDir: join(root, 'logs'),
    lockDir: join(root, 'lock'),
    runFile: join(root, 'run.json'),
    portsFile: join(root, 'ports.json'),
    secretsFile: join(root, 'secrets.json'),
  };
}

/** Makes the folders that every start needs. @throws StartupError when the state folder cannot be written to. */
export async function createHome(layout: HomeLayout): Promise<void> {
  try {
    for (const dir of [layout.root, layout.assetsDir, layout.logsDir]) await mkdir(dir, { recursive: true });
    // Postgres may run as another user and has to pass through; what is secret has rights of its own.
    await chmod(layout.root, 0o711);
    // A start as root may have left files that this user cannot write.
    for (const dir of [layout.root, layout.logsDir])
      for (const entry of await readdir(dir, { withFileTypes: true }))
        if (entry.isFile()) await access(join(dir, entry.name), constants.W_OK).catch(unlessGone);
  } catch (error) {
    throw new StartupError(
      `The state folder ${layout.root} or something in it cannot be written to: run this as its owner, or set ATELIER_HOME to another folder.`,
      { cause: error },
    );
  }
}

/** A launcher that runs here replaces its files at any moment. */
function unlessGone(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
