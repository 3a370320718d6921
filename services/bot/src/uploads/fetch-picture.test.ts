import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createPictureFetcher } from './fetch-picture.ts';

let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === '/fox.png') response.writeHead(200).end('a picture');
    else if (request.url === '/moved.png') response.writeHead(302, { location: '/fox.png' }).end();
    else if (request.url === '/inside.png') response.writeHead(302, { location: 'file:///etc/hosts' }).end();
    else if (request.url === '/slow.png') response.writeHead(200).write('a pic');
    else if (request.url === '/round.png') response.writeHead(302, { location: '/round.png' }).end();
    else response.writeHead(404).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const fetchPicture = createPictureFetcher({ allowPrivateTargets: true });

it.each(['/fox.png', '/moved.png'])('gives what is behind %s', async (path) => {
  expect(Buffer.from(await fetchPicture(url + path)).toString()).toBe('a picture');
});

it.each(['/absent.png', '/inside.png', '/round.png'])('says that %s cannot be fetched', async (path) => {
  await expect(fetchPicture(url + path)).rejects.toMatchObject({ code: 'invalid_input' });
});

it('waits no longer for the rest than for the beginning', async () => {
  const hasty = createPictureFetcher({ allowPrivateTargets: true, timeoutMs: 50 });
  await expect(hasty(`${url}/slow.png`)).rejects.toMatchObject({ code: 'invalid_input' });
});

it('reads no more than a picture may have', async () => {
  const small = createPictureFetcher({ allowPrivateTargets: true, maxBytes: 4 });
  await expect(small(`${url}/fox.png`)).rejects.toMatchObject({ code: 'too_large' });
});

it('reaches nothing that is not of the public internet', async () => {
  const guarded = createPictureFetcher();
  const port = new URL(url).port;
  const inside = [`https://127.0.0.1:${port}/fox.png`, `https://localhost:${port}/fox.png`, `${url}/fox.png`];
  for (const link of [
    ...inside,
    'https://u:p@example.com/a.png',
    'https://[::1]/a.png',
    'https://169.254.169.254/a.png',
    // The same machine in other clothes.
    'https://2130706433/a.png',
    'https://0x7f.1/a.png',
    'https://0177.0.0.1/a.png',
    'https://127.0.0.1./a.png',
    'https://localhost./a.png',
    'https://[::ffff:127.0.0.1]/a.png',
    'https://[64:ff9b::7f00:1]/a.png',
    'https://[fe80::1]/a.png',
    'https://１２７.0.0.1/a.png',
  ]) {
    await expect(guarded(link)).rejects.toMatchObject({ code: 'invalid_input' });
  }
});
