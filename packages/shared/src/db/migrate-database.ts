import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import postgres from 'postgres';
import { withDatabaseErrors } from './database-error.ts';

const migrationsFolder = fileURLToPath(new URL('../../migrations', import.meta.url));
/** Any number, the same in every service: "atel" in ASCII. */
const advisoryLock = 0x6174656c;

/**
 * Brings the schema up to date. Every service calls it at start; an advisory lock lets one of them work while the
 * others wait. The files and the table that remembers them are drizzle's own; its runner is not used, because loading it
 * loads the whole query builder (about 200 MB resident in each service).
 */
export async function migrateDatabase(url: string): Promise<void> {
  const client = postgres(url, { max: 1, connect_timeout: 5, onnotice: () => {} });
  try {
    await withDatabaseErrors(async () => {
      await client`select pg_advisory_lock(${advisoryLock})`;
      await applyMigrations(client);
      await client`insert into queue_state (id, version, floor_gpu_seconds) values (1, 0, 0) on conflict do nothing`;
    });
  } finally {
    await client.end({ timeout: 1 });
  }
}

async function applyMigrations(client: postgres.Sql): Promise<void> {
  await client`create schema if not exists drizzle`;
  await client`
    create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)`;
  const [last] = await client`select max(created_at) as at from drizzle.__drizzle_migrations`;
  const appliedUpTo = Number(last?.['at'] ?? 0);
  await client.begin(async (tx) => {
    for (const { sql: statements, hash, folderMillis } of readMigrationFiles({ migrationsFolder })) {
      if (folderMillis <= appliedUpTo) continue;
      for (const statement of statements) await tx.unsafe(statement);
      await tx`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`;
    }
  });
}
