import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { type EventStream, openEventStream } from './event-stream.ts';

let server: Server | undefined;
let open: IncomingMessage | undefined;

afterEach(async () => {
  open?.destroy();
  server?.closeAllConnections();
  await new Promise((resolve) => server?.close(resolve) ?? resolve(undefined));
});

/** One stream with a reader that has not read anything yet. */
async function connect() {
  const opened = Promise.withResolvers<EventStream>();
  const closed = Promise.withResolvers<void>();
  server = createServer((_request, response) => opened.resolve(openEventStream(response, closed.resolve)));
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const answer = Promise.withResolvers<IncomingMessage>();
  get({ port, host: '127.0.0.1' }, answer.resolve);
  open = await answer.promise;
  return { stream: await opened.promise, reader: open, closed: closed.promise };
}

it('sends events as text that a browser understands', async () => {
  const { stream, reader, closed } = await connect();
  stream.send('card', { title: 'a\nfox' });
  stream.close();
  await closed;
  let text = '';
  for await (const chunk of reader) text += String(chunk);
  expect(reader.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  expect(text).toBe('retry: 1000\n\nevent: card\ndata: {"title":"a\\nfox"}\n\n');
});

it('leaves out what may be lost while the reader is slow, and cuts off one that never reads', async () => {
  const { stream, reader, closed } = await connect();
  reader.on('error', () => undefined);
  const big = 'x'.repeat(200_000);
  // Sockets take some; the rest waits here.
  let sent = 0;
  const ended = { yet: false };
  void closed.then(() => (ended.yet = true));
  for (let index = 0; index < 10_000; index++) stream.send('preview', big, { lossy: true });
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended.yet).toBe(false);
  while (!ended.yet && sent < 200) {
    stream.send('card', big);
    sent += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closed;
  expect(sent).toBeLessThan(60);
});

it('notices when the reader goes', async () => {
  const { stream, reader, closed } = await connect();
  reader.destroy();
  await closed;
  expect(() => stream.send('card', {})).not.toThrow();
});
