import { pino } from 'pino';
import { afterEach, expect, it } from 'vitest';
import type { InboxItem } from '@atelier/shared/db/inbox';
import { createUpdateReceiver, type UpdateReceiver, webhookPath } from './receive-updates.ts';

let receiver: UpdateReceiver | undefined;

afterEach(async () => {
  await receiver?.stop();
  receiver = undefined;
});

async function worldOf(commit: () => Promise<void> = () => Promise.resolve()) {
  const taken: InboxItem[] = [];
  const rung: unknown[] = [];
  receiver = createUpdateReceiver({
    host: '127.0.0.1',
    port: 0,
    secret: 'the-secret',
    async takeIn(items) {
      await commit();
      taken.push(...items);
    },
    onTaken: (updates) => rung.push(...updates),
    log: pino({ level: 'silent' }),
  });
  const address = await receiver.start();
  const post = async (body: string, secret?: string, type = 'application/json'): Promise<number> => {
    const headers = {
      'content-type': type,
      ...(secret === undefined ? {} : { 'x-telegram-bot-api-secret-token': secret }),
    };
    return (await fetch(`${address}${webhookPath}`, { method: 'POST', body, headers })).status;
  };
  return { taken, rung, post };
}

it('says 200 once the update is committed', async () => {
  const { taken, rung, post } = await worldOf();
  expect(await post('{"update_id":7,"message":{"text":"a\\u0000b"}}', 'the-secret')).toBe(200);
  expect(taken).toEqual([{ key: '7', payload: { update_id: 7, message: { text: 'a\uFFFDb' } } }]);
  expect(rung).toHaveLength(1);
});

it.each([undefined, '', 'the-secreT', 'the-secret-and-more'])(
  'refuses an update with the secret %j',
  async (secret) => {
    const { taken, post } = await worldOf();
    expect(await post('{"update_id":7}', secret)).toBe(401);
    expect(taken).toEqual([]);
  },
);

it('lets Telegram give again what could not be committed', async () => {
  const { rung, post } = await worldOf(() => Promise.reject(new Error('Postgres is away')));
  expect(await post('{"update_id":7}', 'the-secret')).toBe(503);
  expect(rung).toEqual([]);
});

it.each([
  ['no JSON', '{', 'application/json', 400],
  ['no update', '{"id":7}', 'application/json', 400],
  ['another type', 'update_id=7', 'application/x-www-form-urlencoded', 415],
  ['too much', `{"update_id":7,"x":"${'a'.repeat(1_000_001)}"}`, 'application/json', 413],
])('refuses %s', async (_what, body, type, status) => {
  const { taken, post } = await worldOf();
  expect(await post(body, 'the-secret', type)).toBe(status);
  expect(taken).toEqual([]);
});
