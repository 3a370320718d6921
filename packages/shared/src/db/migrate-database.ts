import { fileURLToPath } from 'node:url';
import { drizzle } from 'drizzle-orm/postgres-js';
import { migrate } from 'drizzle-orm/postgres-js/migrator';
import postgres from 'postgres';
import { withDatabaseErrors } from './database-error.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Any number, the same in every service: "atel" in ASCII. */
const advisoryLock = 0x6174656c;

/**
 * Brings the schema up to date. Every service calls it at start; an advisory lock lets one of them work while the
 * others wait. Uses a connection of its own, since drizzle changes how its client reads dates and JSON.
 */
export async function migrateDatabase(url: string): Promise<void> {
  const client = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    await withDatabaseErrors(async () => {
      await client`select pg_advisory_lock(${advisoryLock})`;
      await migrate(drizzle(client), { migrationsFolder });
      await client`insert into queue_state (id, version, floor_gpu_seconds) values (1, 0, 0) on conflict do nothing`;
    });
  } finally {
    await client.end({ timeout: 5 });
  }
}
