import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../child/process-identity.ts';
import { waitUntil } from '../child/end-process.ts';
import type { ServerProcess } from '../child/server-process.ts';
import { findFreePort } from '../net/free-port.ts';
import { findNatsServer } from './find-nats-server.ts';
import { startNatsServer } from './start-nats-server.ts';

const toolsDir = join(import.meta.dirname, '../../../../.atelier/tools');

describe('startNatsServer', () => {
  let binary: string;
  let dataDir: string;
  const servers: ServerProcess[] = [];

  beforeAll(async () => {
    binary = (await findNatsServer({ toolsDir, searchPath: process.env['PATH'] ?? '', say: () => undefined })).path;
  });

  beforeEach(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'atelier-nats-'));
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });

  async function start(options: Partial<Parameters<typeof startNatsServer>[0]> = {}): Promise<ServerProcess> {
    const server = await startNatsServer({ binary, dataDir, ...options });
    servers.push(server);
    return server;
  }

  async function countEvents(url: string): Promise<number> {
    const connection = await connect({ servers: url });
    const { state } = await (await jetstreamManager(connection)).streams.info('EVENTS');
    await connection.close();
    return state.messages;
  }

  async function publishEvent(url: string): Promise<void> {
    const connection = await connect({ servers: url });
    await (await jetstreamManager(connection)).streams.add({ name: 'EVENTS', subjects: ['events.>'] });
    await jetstream(connection).publish('events.one', 'hello');
    await connection.close();
  }

  test('what was acknowledged outlives SIGKILL, and stop ends the process', async () => {
    const first = await start();
    await publishEvent(first.url);
    process.kill(first.pid, 'SIGKILL');
    await first.exited;
    const second = await start();
    expect(await countEvents(second.url)).toBe(1);
    await second.stop();
    expect(isAlive(second.pid)).toBe(false);
  });

  test('a server left running on the folder is ended before another starts there', async () => {
    const leftBehind = await start();
    await publishEvent(leftBehind.url);
    const next = await start();
    expect(await waitUntil(() => !isAlive(leftBehind.pid), 10_000)).toBe(true);
    expect(await countEvents(next.url)).toBe(1);
  });

  test('the port asked for is used, again after a restart', async () => {
    const port = await findFreePort();
    const first = await start({ port });
    expect(first.url).toBe(`nats://127.0.0.1:${port}`);
    await first.stop();
    expect((await start({ port: () => Promise.resolve(port) })).port).toBe(port);
  });

  test('a port that is taken is told in one sentence', async () => {
    const { port } = await start();
    await expect(startNatsServer({ binary, dataDir: join(dataDir, 'other'), port })).rejects.toThrow(
      /did not start: .*address already in use/,
    );
  });

  test('a program that is none is told at once', async () => {
    await expect(startNatsServer({ binary: join(dataDir, 'absent'), dataDir })).rejects.toThrow(/could not be started/);
  });
});
