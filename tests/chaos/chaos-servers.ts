import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from '@atelier/launcher/child/server-process';
import { findNatsServer } from '@atelier/launcher/nats/find-nats-server';
import { startNatsServer } from '@atelier/launcher/nats/start-nats-server';
import { startPostgresServer } from '@atelier/launcher/postgres/start-postgres-server';
import postgres from 'postgres';
import { createRunFolder, toolsDir } from '../support/embedded-servers.ts';

/** A NATS and a Postgres that may be killed: both come back on their ports. */
export interface ChaosServers {
  readonly natsUrl: string;
  /** An empty database of its own, as DATABASE_URL. */
  createDatabase(name: string): Promise<string>;
  /** SIGKILL, and a new start after `downMs`; `wipe` removes everything it had stored. Resolves when it answers again. */
  crashNats(options: { wipe: boolean; downMs: number }): Promise<void>;
  /** SIGKILL of the postmaster, and a new start after `downMs`. What was committed is on disk. */
  crashPostgres(options: { downMs: number }): Promise<void>;
  stop(): Promise<void>;
}

const maxStarts = 5;

export async function startChaosServers(say: (line: string) => void): Promise<ChaosServers> {
  const folder = await createRunFolder();
  const natsDir = join(folder, 'nats');
  const { path: binary } = await findNatsServer({ toolsDir, searchPath: process.env['PATH'] ?? '', say });
  const startNats = (port?: number): Promise<ServerProcess> =>
    // Streams may lose what was not synced: NATS only rings.
    startNatsServer({ binary, dataDir: natsDir, sync: 60, ...(port === undefined ? {} : { port }) });
  // Durable: a commit that was answered must survive the kill.
  const startPostgres = (port?: number): Promise<ServerProcess> =>
    startPostgresServer({
      dataDir: join(folder, 'postgres'),
      password: 'atelier',
      durable: true,
      ...(port === undefined ? {} : { port }),
    });
  let [nats, database] = await Promise.all([startNats(), startPostgres()]);
  const natsPort = nats.port;
  const databasePort = database.port;

  return {
    natsUrl: nats.url,
    async createDatabase(name) {
      const sql = postgres(database.url, { max: 1, onnotice: () => undefined });
      try {
        await sql.unsafe(`create database ${name}`);
      } finally {
        await sql.end();
      }
      const url = new URL(database.url);
      url.pathname = `/${name}`;
      return url.href;
    },
    async crashNats({ wipe, downMs }) {
      process.kill(nats.pid, 'SIGKILL');
      await nats.exited;
      if (wipe) await rm(natsDir, { recursive: true, force: true });
      await sleep(downMs);
      nats = await patiently(() => startNats(natsPort));
    },
    async crashPostgres({ downMs }) {
      process.kill(database.pid, 'SIGKILL');
      await database.exited;
      await sleep(downMs);
      database = await patiently(() => startPostgres(databasePort));
    },
    async stop() {
      await Promise.allSettled([nats.stop(), database.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The port of a server that was killed may be busy for a moment. */
async function patiently<T>(start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt >= maxStarts) throw error;
      await sleep(300);
    }
  }
}
