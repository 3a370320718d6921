import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttp, type Http } from './http.ts';

let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function httpTo(answer: RequestListener, prefix = ''): Promise<{ http: Http; server: Server }> {
  const listening = createServer(answer).listen(0, '127.0.0.1');
  server = listening;
  await once(listening, 'listening');
  const { port } = listening.address() as AddressInfo;
  return { http: createHttp({ baseUrl: `http://127.0.0.1:${port}${prefix}` }), server: listening };
}

const call = { timeoutMs: 5_000, maxBytes: 1_000 } as const;

describe('createHttp', () => {
  it('sends requests that follow one another over one connection, and keeps a prefix and a query', async () => {
    let connections = 0;
    const { http, server: listening } = await httpTo((request, response) => response.end(request.url), '/comfy/');
    listening.on('connection', () => (connections += 1));
    for (const path of ['/queue', '/view?filename=a%20b.png&type=temp']) {
      expect(await http.send({ method: 'GET', path, ...call })).toMatchObject({ status: 200, text: `/comfy${path}` });
    }
    expect(connections).toBe(1);
  });

  it('opens a new connection where the server has closed the one before', async () => {
    const { http } = await httpTo((_, response) => response.setHeader('connection', 'close').end('bye'));
    for (let sent = 0; sent < 2; sent += 1) {
      expect((await http.send({ method: 'GET', path: '/queue', ...call })).text).toBe('bye');
    }
  });

  it('hears an answer that comes before all of an upload was sent', async () => {
    const { http } = await httpTo((_, response) => response.writeHead(413).end('too much'));
    let sent = 0;
    const leftAlone = Promise.withResolvers<void>();
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(64 * 1024));
      },
      cancel: () => leftAlone.resolve(),
    });
    expect(await http.send({ method: 'POST', path: '/upload/image', body, ...call })).toMatchObject({
      status: 413,
      text: 'too much',
    });
    expect(sent).toBeGreaterThan(0);
    await leftAlone.promise;
  });

  it('breaks an upload off when its source fails, and says that the outcome is unknown', async () => {
    const { http } = await httpTo((request) => request.resume());
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array(10));
      },
      pull(controller) {
        controller.error(new Error('the file is gone'));
      },
    });
    await expect(http.send({ method: 'POST', path: '/upload/image', body, ...call })).rejects.toMatchObject({
      code: 'unreachable',
    });
  });

  it('takes what came before it was aborted for no whole body', async () => {
    const { http } = await httpTo((_, response) => response.end('all of it'));
    const later = new AbortController();
    const { body } = await http.open({ method: 'GET', path: '/view', ...call, signal: later.signal });
    later.abort();
    await expect(new Response(body).text()).rejects.toMatchObject({ code: 'aborted' });
  });

  it('does not wait for an answer from a server that switches to another protocol', async () => {
    const { http, server: listening } = await httpTo(() => {});
    listening.on('connection', (socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n'),
      ),
    );
    await expect(http.send({ method: 'GET', path: '/queue', ...call })).rejects.toMatchObject({ code: 'unreachable' });
  });

  it('says that it was aborted, before it sends anything and while it waits', async () => {
    let requests = 0;
    const { http } = await httpTo(() => {
      requests += 1;
      later.abort();
    });
    const later = new AbortController();
    const aborted = { code: 'aborted' };
    const path = '/queue';
    await expect(http.send({ method: 'GET', path, ...call, signal: AbortSignal.abort() })).rejects.toMatchObject(
      aborted,
    );
    expect(requests).toBe(0);
    await expect(http.send({ method: 'GET', path, ...call, signal: later.signal })).rejects.toMatchObject(aborted);
    expect(requests).toBe(1);
  });
});
