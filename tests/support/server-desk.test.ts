import { createConnection } from 'node:net';
import { expect, test } from 'vitest';
import { deskAnswer, openServerDesk } from './server-desk.ts';
import type { ServerSource } from './server-source.ts';

function ask(port: number, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port }, () => socket.write(`${name}\n`));
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.once('error', reject);
    socket.once('end', () => resolve(deskAnswer.parse(JSON.parse(text))));
  });
}

function countingSource() {
  const events: string[] = [];
  const source: ServerSource = {
    nats: async () => {
      events.push('nats started');
      return { url: 'nats://x', stop: async () => void events.push('nats stopped') };
    },
    postgres: async () => {
      events.push('postgres tried');
      throw new Error('no binaries');
    },
  };
  return { events, source };
}

test('a server is started when first asked for, once, and stopped at the end', async () => {
  const { events, source } = countingSource();
  const desk = await openServerDesk(source);
  expect(events).toEqual([]);
  const answers = await Promise.all([ask(desk.port, 'nats'), ask(desk.port, 'nats')]);
  expect(answers).toEqual([{ url: 'nats://x' }, { url: 'nats://x' }]);
  await desk.close();
  expect(events).toEqual(['nats started', 'nats stopped']);
});

test('why there is no server is told to everyone who asks', async () => {
  const { events, source } = countingSource();
  const desk = await openServerDesk(source);
  for (let asked = 0; asked < 2; asked += 1) expect(await ask(desk.port, 'postgres')).toEqual({ error: 'no binaries' });
  await desk.close();
  expect(events).toEqual(['postgres tried']);
});
