import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { createS3AssetStore } from './s3-asset-store.ts';

const hash = 'a'.repeat(64);
const hourMs = 3_600_000;
const servers: Server[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((closed) => server.close(closed))));
});

/** A store with one old object, whose first DELETE takes effect but is answered with a broken connection. */
async function openForgetfulStore(afterLostAnswer: 'put again' | 'nothing') {
  let modifiedAt: number | undefined = Date.now() - 2 * hourMs;
  let deletes = 0;
  const server = createServer((request, response) => {
    if (request.method === 'DELETE') {
      deletes += 1;
      modifiedAt = deletes === 1 && afterLostAnswer === 'put again' ? Date.now() : undefined;
      if (deletes === 1) response.destroy();
      else response.writeHead(204).end();
      return;
    }
    if (modifiedAt === undefined) response.writeHead(404).end();
    else response.writeHead(200, { 'last-modified': new Date(modifiedAt).toUTCString() }).end();
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  const store = createS3AssetStore({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    bucket: 'assets',
    accessKeyId: 'key',
    secretAccessKey: 'secret',
    spoolFolder: tmpdir(),
    maxBytes: 1_000,
  });
  return { store, isThere: () => modifiedAt !== undefined };
}

test('a file that is put again after a DELETE whose answer was lost stays', async () => {
  const { store, isThere } = await openForgetfulStore('put again');
  expect(await store.deleteUnreferenced([hash], { olderThanMs: hourMs })).toBe(0);
  expect(isThere()).toBe(true);
});

test('a DELETE whose answer was lost has deleted', async () => {
  const { store, isThere } = await openForgetfulStore('nothing');
  expect(await store.deleteUnreferenced([hash], { olderThanMs: hourMs })).toBe(1);
  expect(isThere()).toBe(false);
});
