import { expect, test, vi } from 'vitest';
import { keepServerRunning } from './keep-server-running.ts';
import type { ServerProcess } from './server-process.ts';

interface FakeServer extends ServerProcess {
  crash(): void;
}

function fakeServer(pid: number, port: number): FakeServer {
  const exited = Promise.withResolvers<void>();
  return {
    url: `fake://127.0.0.1:${port}`,
    port,
    pid,
    exited: exited.promise,
    crash: () => exited.resolve(),
    stop: () => {
      exited.resolve();
      return exited.promise;
    },
  };
}

test('a server that ends is started again on the same port, also after failed tries', async () => {
  const servers: FakeServer[] = [];
  const ports: (number | undefined)[] = [];
  let failing = 0;
  const kept = await keepServerRunning(
    async (port) => {
      ports.push(port);
      if (failing > 0) {
        failing -= 1;
        throw new Error('not yet');
      }
      const server = fakeServer(100 + servers.length, port ?? 4_222);
      servers.push(server);
      return server;
    },
    () => undefined,
  );
  failing = 1;
  servers[0]?.crash();
  await vi.waitFor(() => expect(kept.pid).toBe(101), { timeout: 5_000 });
  expect(ports).toEqual([undefined, 4_222, 4_222]);
  await kept.stop();
  expect(servers).toHaveLength(2);
});

test('stopping while it waits to start again ends at once', async () => {
  let starts = 0;
  const first = fakeServer(1, 1);
  const notices: string[] = [];
  const kept = await keepServerRunning(
    async () => {
      starts += 1;
      return first;
    },
    (text) => notices.push(text),
  );
  first.crash();
  await vi.waitFor(() => expect(notices).toHaveLength(1), { timeout: 5_000 });
  await kept.stop();
  expect(starts).toBe(1);
});

test('a start that is under way when asked to stop is stopped too', async () => {
  const first = fakeServer(1, 1);
  const second = fakeServer(2, 1);
  const opening = Promise.withResolvers<FakeServer>();
  let starts = 0;
  const kept = await keepServerRunning(
    () => {
      starts += 1;
      return starts === 1 ? Promise.resolve(first) : opening.promise;
    },
    () => undefined,
  );
  first.crash();
  await vi.waitFor(() => expect(starts).toBe(2), { timeout: 5_000 });
  const stopped = kept.stop();
  opening.resolve(second);
  await stopped;
  await second.exited;
});

test('the first failure is the caller’s to hear', async () => {
  await expect(
    keepServerRunning(
      () => Promise.reject(new Error('no binary')),
      () => undefined,
    ),
  ).rejects.toThrow('no binary');
});
