import { expect, it } from 'vitest';
import { AppError } from '@atelier/shared/errors/app-error';
import { parseBotConfig } from './config.ts';

const needed = { NATS_URL: 'nats://127.0.0.1:4222', DATABASE_URL: 'postgres://u:p@127.0.0.1/a' };

function refusal(env: Record<string, string>): AppError {
  try {
    parseBotConfig({ ...needed, ...env });
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('accepted');
}

it('opens the page on loopback and leaves the other chats off', () => {
  expect(parseBotConfig({ ...needed, DISCORD_TOKEN: ' ' })).toMatchObject({
    web: { host: '127.0.0.1', port: 8080, token: undefined },
    discord: { enabled: false },
    telegram: { enabled: false },
  });
});

it('switches a chat on by its token', () => {
  const config = parseBotConfig({
    ...needed,
    DISCORD_TOKEN: 'x.y.z',
    TELEGRAM_TOKEN: '123:abc',
    TELEGRAM_API_ROOT: 'http://127.0.0.1:1',
  });
  expect(config.discord).toEqual({ enabled: true, token: 'x.y.z', apiUrl: undefined, messageContent: false });
  expect(config.telegram).toEqual({ enabled: true, token: '123:abc', apiRoot: 'http://127.0.0.1:1' });
});

it.each(['0.0.0.0', '::', '192.168.1.5', 'atelier.example'])('refuses %s without an access token', (host) => {
  const error = refusal({ ATELIER_WEB_HOST: host });
  expect(error.code).toBe('config');
  expect(error.message).toContain('ATELIER_WEB_TOKEN');
  const token = 'a-long-enough-token';
  expect(parseBotConfig({ ...needed, ATELIER_WEB_HOST: host, ATELIER_WEB_TOKEN: token }).web.token).toBe(token);
});

it('names every bad variable at once and repeats no secret', () => {
  const { message } = refusal({ ATELIER_WEB_PORT: 'eighty', TELEGRAM_TOKEN: 'sekret', ATELIER_WEB_TOKEN: 'short' });
  expect(message).toContain('ATELIER_WEB_PORT');
  expect(message).toContain('TELEGRAM_TOKEN');
  expect(message).toContain('ATELIER_WEB_TOKEN');
  expect(message).not.toContain('sekret');
});
