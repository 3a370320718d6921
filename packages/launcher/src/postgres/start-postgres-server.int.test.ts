import { mkdir, mkdtemp, chmod, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../child/process-identity.ts';
import type { ServerProcess } from '../child/server-process.ts';
import { startPostgresServer } from './start-postgres-server.ts';

describe('startPostgresServer', () => {
  let root: string;
  let dataDir: string;
  const servers: ServerProcess[] = [];

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'atelier-postgres-'));
    await chmod(root, 0o711);
    dataDir = join(root, 'postgres');
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    await rm(root, { recursive: true, force: true });
  });

  async function start({ port, durable = false }: { port?: number; durable?: boolean } = {}): Promise<ServerProcess> {
    const server = await startPostgresServer({
      dataDir,
      password: 'a b/c:d@e',
      durable,
      ...(port === undefined ? {} : { port }),
    });
    servers.push(server);
    return server;
  }

  async function query<T extends object>(url: string, text: string): Promise<T[]> {
    const sql = postgres(url, { max: 1, onnotice: () => undefined });
    try {
      return await sql.unsafe<T[]>(text);
    } finally {
      await sql.end();
    }
  }

  test('makes a UTF-8 cluster on loopback that asks for the password; data outlives SIGKILL', async () => {
    const first = await start({ durable: true });
    const [facts] = await query<{ encoding: string; locale: string; addresses: string }>(
      first.url,
      `select current_setting('server_encoding') as encoding, current_setting('listen_addresses') as addresses,
        (select datlocale from pg_database where datname = current_database()) as locale`,
    );
    expect(facts).toEqual({ encoding: 'UTF8', locale: 'C.UTF-8', addresses: '127.0.0.1' });
    const wrong = new URL(first.url);
    wrong.password = 'guess';
    await expect(query(wrong.href, 'select 1')).rejects.toThrow(/password authentication failed/);

    await query(first.url, 'create table kept as select 42 as answer');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start({ port: first.port, durable: true });
    expect(second.port).toBe(first.port);
    expect(await query(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.stop();
    expect(isAlive(second.pid)).toBe(false);
  });

  test('a server left running on the folder is ended before another starts there', async () => {
    const leftBehind = await start();
    await query(leftBehind.url, 'create table kept as select 1 as n');
    const next = await start();
    expect(isAlive(leftBehind.pid)).toBe(false);
    expect(await query(next.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  test('a cluster that was left half-made is made again', async () => {
    await mkdir(join(dataDir, 'data', 'base'), { recursive: true });
    await mkdir(join(dataDir, 'making-killed', 'data'), { recursive: true });
    const server = await start();
    expect(await query(server.url, 'select 1 as n')).toEqual([{ n: 1 }]);
    expect((await readdir(dataDir)).toSorted()).toEqual(['data', 'postgres.log']);
  });

  test('a stale postmaster.pid with the number of another program does not keep it from starting', async () => {
    const first = await start();
    await first.stop();
    await writeFile(
      join(dataDir, 'data', 'postmaster.pid'),
      `${process.pid}\n${join(dataDir, 'data')}\n1\n5432\n\n127.0.0.1\n1 1\nready\n`,
    );
    const second = await start();
    expect(await query(second.url, 'select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('a port that is taken is told in one sentence', async () => {
    const { port } = await start();
    await expect(
      startPostgresServer({ dataDir: join(root, 'other'), password: 'x', durable: false, port }),
    ).rejects.toThrow(/Postgres did not start: .*(TCP|bind)/);
  });
});
