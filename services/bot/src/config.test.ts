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
  expect(config.discord).toMatchObject({ enabled: true, token: 'x.y.z', apiUrl: undefined, messageContent: false });
  expect(config.telegram).toMatchObject({ enabled: true, token: '123:abc', apiRoot: 'http://127.0.0.1:1' });
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

it('reads who is an operator, and refuses what names nobody', () => {
  const config = parseBotConfig({
    ...needed,
    ATELIER_ADMINS: 'discord:12, telegram:7',
    ATELIER_PUBLIC_URL: 'https://a.example/',
  });
  expect([...config.admins.identities]).toEqual(['discord:12', 'telegram:7']);
  expect(config.publicUrl).toBe('https://a.example');
  expect(() => parseBotConfig({ ...needed, ATELIER_ADMINS: 'Mei' })).toThrow(/ATELIER_ADMINS: must be door:id/);
});

it('reads which servers and shards this process answers for in Discord', () => {
  const discord = (env: Record<string, string>) =>
    parseBotConfig({ ...needed, DISCORD_TOKEN: 'x.y.z', ...env }).discord;
  expect(discord({})).toMatchObject({ enabled: true, guildIds: [] });
  expect(discord({})).not.toHaveProperty('shards');
  expect(discord({ DISCORD_GUILD_IDS: '12, 34' })).toMatchObject({ guildIds: ['12', '34'] });
  expect(discord({ DISCORD_SHARD_COUNT: '2' })).toMatchObject({ shards: { count: 2, ids: [0, 1] } });
  expect(discord({ DISCORD_SHARD_COUNT: '4', DISCORD_SHARDS: '1,3' })).toMatchObject({
    shards: { count: 4, ids: [1, 3] },
  });
  expect(() => discord({ DISCORD_SHARDS: '0' })).toThrow(/DISCORD_SHARD_COUNT/);
  expect(() => discord({ DISCORD_SHARD_COUNT: '2', DISCORD_SHARDS: '2' })).toThrow(/DISCORD_SHARDS/);
  expect(() => discord({ DISCORD_GUILD_IDS: 'Studio' })).toThrow(/DISCORD_GUILD_IDS/);
});
