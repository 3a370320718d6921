import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { AwayError, createAtelierApi, RefusedError, type AtelierApi } from './atelier-api.ts';

let server: Server | undefined;

afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(listener: RequestListener): Promise<AtelierApi> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return createAtelierApi({
    webUrl: `http://127.0.0.1:${port}`,
    userId: 'terminal-of-a-test',
    userName: 'Ada',
    language: 'zh',
  });
}

test('an answer that is cut off means that Atelier is away, not that something is wrong', async () => {
  const api = await serve((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
    response.write('{"outcome": "acc', () => response.destroy());
  });
  const body = { eventId: 'e', text: 'a fox', options: {} };
  await expect(api.submit(body)).rejects.toThrow(AwayError);
  await expect(api.file('hash')).rejects.toThrow('Atelier did not finish its answer');
});

test('a refusal is told in the language of the call, and 5xx is no refusal', async () => {
  let status = 400;
  const api = await serve((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { message: { en: 'too long', zh: '太长' } } }));
  });
  await expect(api.card('id')).rejects.toThrow(new RefusedError('太长'));
  status = 503;
  await expect(api.card('id')).rejects.toThrow(AwayError);
});
