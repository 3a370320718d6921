import { createServer, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { listenAt, type PortOpener } from './listen-at.ts';

const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

function opener(): PortOpener {
  const server = createServer();
  servers.push(server);
  return {
    server,
    listen: (at) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(at, () => resolve(undefined));
      }),
  };
}

test('a server is reached at the address that is told', async () => {
  const address = await listenAt(opener(), { host: '127.0.0.1', port: 0 }, 'ATELIER_WEB');
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test.each([
  ['0.0.0.0', 'http://127.0.0.1:81'],
  ['::', 'http://127.0.0.1:81'],
  ['::1', 'http://[::1]:81'],
  ['gpu.example.org', 'http://gpu.example.org:81'],
])('at %s it is %s', async (host, address) => {
  const bound = {
    listen: () => Promise.resolve(),
    server: { address: () => ({ address: host, family: 'IPv4', port: 81 }) },
  };
  expect(await listenAt(bound, { host, port: 0 }, 'ATELIER_WEB')).toBe(address);
});

test('where it cannot listen, the setting is named with what to do', async () => {
  const port = Number(new URL(await listenAt(opener(), { host: '127.0.0.1', port: 0 }, 'ATELIER_WEB')).port);
  const taken = listenAt(opener(), { host: '127.0.0.1', port }, 'ATELIER_DOOR');
  await expect(taken).rejects.toMatchObject({ code: 'config' });
  await expect(taken).rejects.toThrow(
    `ATELIER_DOOR_PORT: another program listens at 127.0.0.1:${port}; set another port`,
  );
  // An address of the documentation's own range (RFC 5737) is nobody's.
  const elsewhere = listenAt(opener(), { host: '192.0.2.1', port: 0 }, 'ATELIER_DOOR');
  await expect(elsewhere).rejects.toThrow(/ATELIER_DOOR_HOST: cannot listen at 192\.0\.2\.1:0 \(EADDRNOTAVAIL\)/);
});
