import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { isAlive } from '@atelier/launcher/child/process-identity';
import { findNatsServer } from '@atelier/launcher/nats/find-nats-server';
import { startNatsServer } from '@atelier/launcher/nats/start-nats-server';
import { startPostgresServer } from '@atelier/launcher/postgres/start-postgres-server';
import type { ServerSource } from './server-source.ts';

/** Programs fetched for tests are kept with those fetched for `npm start`. */
export const toolsDir = resolve(import.meta.dirname, '../../.atelier/tools');
const folderPrefix = 'atelier-test-';

/** A temporary folder of this run that any user may pass through; those of runs that were killed are removed. */
export async function createRunFolder(): Promise<string> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${folderPrefix}(\\d+)-`).exec(name)?.[1];
    // A folder of another user stays: it is for that user's next run to remove.
    if (pid !== undefined && !isAlive(Number(pid)))
      await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined);
  }
  const dir = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  await chmod(dir, 0o711);
  return dir;
}

/** Servers of our own, started by the launcher's code: NATS as found or fetched, Postgres from npm. */
export function embeddedServers(
  runFolder: string,
  say: (line: string) => void,
  { durable = false }: { durable?: boolean } = {},
): ServerSource {
  return {
    async nats() {
      const { path } = await findNatsServer({ toolsDir, searchPath: process.env['PATH'] ?? '', say });
      // Syncing each message is for power cuts, which tests do not have.
      return startNatsServer({ binary: path, dataDir: join(runFolder, 'nats'), sync: durable ? 'always' : 60 });
    },
    postgres: () => startPostgresServer({ dataDir: join(runFolder, 'postgres'), password: 'atelier', durable, say }),
  };
}
