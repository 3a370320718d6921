import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { connectBus } from './connect-bus.ts';

const log = pino({ level: 'silent' });
const servers: { server: Server; sockets: Set<Socket> }[] = [];

afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** A server that greets like NATS and answers pings, by the client protocol (docs.nats.io, "Client Protocol"). */
async function startGreeter(info: { version: string; jetstream?: boolean }, refusal?: string): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const full = {
      server_id: 'x',
      server_name: 'x',
      proto: 1,
      go: '',
      host: '',
      port: 0,
      max_payload: 1_048_576,
      headers: true,
    };
    socket.write(`INFO ${JSON.stringify({ ...full, ...info })}\r\n`);
    socket.on('error', () => socket.destroy());
    socket.on('data', (bytes) => {
      if (!bytes.toString().includes('PING')) return;
      if (refusal === undefined) socket.write('PONG\r\n');
      else socket.end(`-ERR '${refusal}'\r\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push({ server, sockets });
  return `nats://bot:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('a NATS server that will never do', () => {
  it.each(['2.9.10', '1.4.1'])('has version %j: told at once, with what is needed', async (version) => {
    const url = await startGreeter({ version, jetstream: true });
    const connecting = connectBus({ url, service: 'bot', log });
    await expect(connecting).rejects.toMatchObject({ code: 'config' });
    await expect(connecting).rejects.toThrow(/2\.10 or newer/);
  });

  it('runs without JetStream: told at once', async () => {
    const url = await startGreeter({ version: '2.10.27' });
    const connecting = connectBus({ url, service: 'bot', log });
    await expect(connecting).rejects.toMatchObject({ code: 'config' });
    await expect(connecting).rejects.toThrow(/-js/);
  });

  it('refuses the password: told at once, without it', async () => {
    const url = await startGreeter({ version: '2.10.27', jetstream: true }, 'Authorization Violation');
    const connecting = connectBus({ url, service: 'bot', log });
    await expect(connecting).rejects.toMatchObject({ code: 'config' });
    await expect(connecting).rejects.toThrow(/NATS_URL/);
    await expect(connecting).rejects.not.toThrow(/s3cret/);
  });

  it('answers nothing after its greeting: an abort ends the wait', async () => {
    const url = await startGreeter({ version: '2.10.27', jetstream: true });
    const aborter = new AbortController();
    const connecting = connectBus({ url, service: 'bot', log, signal: aborter.signal });
    aborter.abort();
    await expect(connecting).rejects.toMatchObject({ code: 'unavailable' });
  });
});
