import { expect, test } from 'vitest';
import { parseAgentConfig } from './config.ts';

const needed = { NATS_URL: 'nats://127.0.0.1:4222', DATABASE_URL: 'postgres://127.0.0.1/atelier' };

test('Claude is off without a key, and on with one', () => {
  expect(parseAgentConfig({ ...needed, ANTHROPIC_API_KEY: ' ' }).claude).toEqual({ enabled: false });
  expect(
    parseAgentConfig({
      ...needed,
      ANTHROPIC_API_KEY: 'k',
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:9',
      ANTHROPIC_MODEL: 'm',
    }).claude,
  ).toEqual({
    enabled: true,
    apiKey: 'k',
    baseUrl: 'http://127.0.0.1:9',
    model: 'm',
    effort: 'low',
    timeoutMs: 60_000,
  });
});

test('every bad setting is named at once, without its value', () => {
  const read = () =>
    parseAgentConfig({
      NATS_URL: 'http://x',
      AGENT_CONCURRENCY: '0',
      ANTHROPIC_BASE_URL: 'secret://',
      ANTHROPIC_API_KEY: 'k',
    });
  expect(read).toThrow(/NATS_URL[^]*DATABASE_URL[^]*ANTHROPIC_BASE_URL[^]*AGENT_CONCURRENCY/);
  expect(read).not.toThrow(/secret/);
});

test('a question waits a day for its answer, unless another time is set', () => {
  expect(parseAgentConfig(needed).questionExpiresMs).toBe(86_400_000);
  expect(parseAgentConfig({ ...needed, ATELIER_QUESTION_EXPIRES_HOURS: '2' }).questionExpiresMs).toBe(7_200_000);
});
