import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import postgres from 'postgres';
import { afterAll, beforeAll, inject } from 'vitest';
import { deskAnswer } from './server-desk.ts';
import type { ServerName } from './server-source.ts';

/** An empty database of the test Postgres. */
export interface TestDatabase {
  /** `postgresql://…/<name>` as DATABASE_URL takes it. */
  readonly url: string;
  readonly name: string;
  /** Ends what is still connected and removes the database. */
  drop(): Promise<void>;
}

/** A share of the test NATS server. */
export interface TestNats {
  readonly url: string;
  /** One lower-case token, unique to the caller, for stream, bucket and durable names and as first token of subjects. */
  readonly prefix: string;
  /** Removes every stream whose name starts with the prefix in either case, also behind `KV_` or `OBJ_`. */
  clear(): Promise<void>;
}

/** Address of the test NATS server, started at the first call of a run. */
export function testNatsUrl(): Promise<string> {
  return askForServer('nats');
}

/** Address of the test Postgres server (database `postgres`), started at the first call of a run. */
export function testPostgresUrl(): Promise<string> {
  return askForServer('postgres');
}

/** Makes an empty database; the caller drops it. In test files `useTestDatabase` does both. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = await testPostgresUrl();
  const name = `atelier_test_${uniqueToken()}`;
  await withAdmin(serverUrl, (sql) => sql.unsafe(`create database ${name}`));
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    name,
    drop: () => withAdmin(serverUrl, (sql) => sql.unsafe(`drop database if exists ${name} with (force)`)),
  };
}

/** A prefix of one's own on the test NATS server; the caller clears it. In test files `useTestNats` does both. */
export async function createTestNats(): Promise<TestNats> {
  const url = await testNatsUrl();
  const prefix = `t${uniqueToken()}`;
  return { url, prefix, clear: () => removeStreams(url, prefix) };
}

/** Gives a test file a database from its first test to its last. */
export function useTestDatabase(): () => TestDatabase {
  return useResource('database', createTestDatabase, (database) => database.drop());
}

/** Gives a test file a share of the NATS server from its first test to its last. */
export function useTestNats(): () => TestNats {
  return useResource('NATS share', createTestNats, (nats) => nats.clear());
}

function useResource<T>(what: string, create: () => Promise<T>, end: (resource: T) => Promise<void>): () => T {
  let resource: T | undefined;
  beforeAll(async () => {
    resource = await create();
  });
  afterAll(async () => {
    if (resource !== undefined) await end(resource);
    resource = undefined;
  });
  return () => {
    if (resource === undefined) throw new Error(`The ${what} exists only inside tests and hooks.`);
    return resource;
  };
}

function uniqueToken(): string {
  return randomBytes(6).toString('hex');
}

function askForServer(name: ServerName): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port: inject('serverDeskPort') }, () =>
      socket.write(`${name}\n`),
    );
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: Buffer | string) => {
      text += chunk.toString();
    });
    socket.once('error', reject);
    socket.once('end', () => {
      const answer = deskAnswer.safeParse(text === '' ? undefined : JSON.parse(text));
      if (!answer.success) reject(new Error(`The test run gave no ${name} server.`));
      else if ('error' in answer.data) reject(new Error(answer.data.error));
      else resolve(answer.data.url);
    });
  });
}

async function withAdmin(serverUrl: string, use: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(serverUrl, { max: 1, onnotice: () => undefined });
  try {
    await use(sql);
  } finally {
    await sql.end();
  }
}

async function removeStreams(url: string, prefix: string): Promise<void> {
  const connection = await connect({ servers: url });
  try {
    const manager = await jetstreamManager(connection);
    for await (const { config } of manager.streams.list()) {
      const owner = config.name.toLowerCase().replace(/^(kv|obj)_/, '');
      if (owner.startsWith(prefix)) await manager.streams.delete(config.name);
    }
  } finally {
    await connection.close();
  }
}
