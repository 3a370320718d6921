import { TelegramServer } from 'telegram-test-api/lib/telegramServer.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findFreePort } from '@atelier/launcher/net/free-port';
import { startPlatform, type Platform } from '../support/platform.ts';

/*
 * Somebody else's idea of a Bot API server, where it suffices: it has texts, buttons and commands, no files and no long
 * polls.
 */
const token = '4242:public_test_server_token';
let server: TelegramServer;
let platform: Platform;

beforeAll(async () => {
  server = new TelegramServer({ port: await findFreePort(), host: '127.0.0.1' });
  await server.start();
  const env = { TELEGRAM_TOKEN: token, TELEGRAM_API_ROOT: server.config.apiURL };
  platform = await startPlatform({ comfyuiUrl: 'http://127.0.0.1:9', services: ['bot'], env });
});
afterAll(async () => {
  await platform?.stop();
  await server?.stop();
});

it('hears a command and answers it', async () => {
  const person = server.getClient(token, { timeout: 20_000 });
  await person.sendCommand(person.makeCommand('/help'));
  const { result } = await person.getUpdates();
  expect(JSON.stringify(result)).toContain('/imagine');
});

it('accepts what is asked and shows its card with a button', async () => {
  const person = server.getClient(token, { timeout: 20_000 });
  await person.sendMessage(person.makeMessage('/imagine a fox'));
  const { result } = await person.getUpdates();
  const card = JSON.stringify(result);
  expect(card).toContain('a fox');
  expect(card).toMatch(/"callback_data\\?":\\?"c:[0-9a-f-]{36}/);
});
