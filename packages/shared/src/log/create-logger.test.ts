import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import { createLogger, type Logger } from './create-logger.ts';
import { redactText } from './redact.ts';

// Made up, in the form that each platform gives out.
const secrets = {
  telegram: '7123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0',
  discord: 'MTk4NjIyNDgzNDcxOTI1MjQ4MA.Gl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWsABCDEFGHIJK',
  anthropic: 'sk-ant-api03-Zm9vYmFyYmF6cXV4LW5vdC1hLWtleQ-AAAA_BBBB',
  password: 'p4ssw0rd-of-the-database',
};

const texts: Record<string, string> = {
  'a Telegram token': `token ${secrets.telegram}`,
  'a Telegram file link': `GET https://api.telegram.org/file/bot${secrets.telegram}/photos/file_1.jpg`,
  'a Telegram method': `POST https://api.telegram.org/bot${secrets.telegram}/sendMessage failed`,
  'a Discord token': `login with ${secrets.discord} refused`,
  'a Discord header': `Authorization: Bot ${secrets.discord}`,
  'an Anthropic key': `x-api-key: ${secrets.anthropic}`,
  'a bearer header': `authorization: Bearer ${secrets.password}`,
  'a Postgres address': `connect postgres://atelier:${secrets.password}@db:5432/atelier`,
  'a NATS address': `connect nats://bot:${secrets.password}@nats:4222`,
  'a NATS address with a token': `connect nats://${secrets.password}@nats:4222`,
  'an address with an @ in the password': `postgres://atelier:${secrets.password}@${secrets.password}@db/atelier`,
};

const secretsIn = (text: string): string[] => Object.values(secrets).filter((secret) => text.includes(secret));

describe('redacted texts', () => {
  it.each(Object.entries(texts))('hide %s', (_name, text) => {
    expect(secretsIn(text)).toHaveLength(1);
    expect(secretsIn(redactText(text))).toEqual([]);
  });

  it('keep what tells where it went wrong', () => {
    expect(redactText(texts['a Postgres address'] ?? '')).toBe('connect postgres://atelier:[password]@db:5432/atelier');
    expect(redactText(texts['a Telegram method'] ?? '')).toBe(
      'POST https://api.telegram.org/bot[token]/sendMessage failed',
    );
  });

  it.each([
    'http://127.0.0.1:8188/prompt answered 400',
    'Bot connected; Bot disconnected; the Bearer walked',
    'seed 18446744073709551615 at 12:30:45',
    'job 0b6cfbd0-6f0e-4d5c-9d1e-0d1a5a3c1f11 by someone@example.org',
    'view?filename=a@b.png&type=output at http://host:8188/view?filename=a@b.png',
  ])('leave as it is: %s', (text) => {
    expect(redactText(text)).toBe(text);
  });
});

describe('a logger', () => {
  function logged(write: (log: Logger) => void): { text: string; line: Record<string, unknown> } {
    let text = '';
    const destination = new Writable({
      write(chunk: Buffer, _encoding, done) {
        text += chunk.toString();
        done();
      },
    });
    write(createLogger('agent', 'trace', destination));
    return { text, line: z.record(z.string(), z.unknown()).parse(JSON.parse(text)) };
  }

  it('writes one JSON line with its service, its ids and a readable time', () => {
    const { line } = logged((log) => log.child({ request_id: 'r1' }).info({ job_id: 'j1', seconds: 2.5 }, 'done'));
    expect(line).toMatchObject({ service: 'agent', request_id: 'r1', job_id: 'j1', seconds: 2.5, msg: 'done' });
    expect(line['time']).toMatch(/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
  });

  it('says nothing below its level', () => {
    let text = '';
    const destination = { write: (line: string) => void (text += line) };
    createLogger('agent', 'warn', destination).info('not this');
    expect(text).toBe('');
  });

  it.each([
    'token',
    'authorization',
    'Authorization',
    'password',
    'secret',
    'apiKey',
    'api_key',
    'x-api-key',
    'cookie',
    'set-cookie',
    'accessToken',
    'secretAccessKey',
    'DISCORD_TOKEN',
    'TELEGRAM_TOKEN',
    'ANTHROPIC_API_KEY',
    'ASSETS_S3_SECRET_ACCESS_KEY',
  ])('hides the value of %s at any depth', (key) => {
    const value = 'plain-looking';
    const { text } = logged((log) =>
      log.info(
        {
          [key]: value,
          a: { [key]: value, b: { [key]: value, c: [{ d: { [key]: value } }] } },
          headers: { [key]: value },
        },
        'x',
      ),
    );
    expect(text).not.toContain(value);
  });

  it('keeps what only sounds like a secret', () => {
    const usage = { inputTokens: 12, output_tokens: 7, tokens: { state: 'failed' }, keyboard: 'inline' };
    expect(logged((log) => log.info(usage, 'x')).line).toMatchObject(usage);
  });

  it.each(Object.entries(texts))('hides %s wherever it stands', (_name, secret) => {
    for (const write of [
      (log: Logger) => log.info(secret),
      (log: Logger) => log.info('it was %s', secret),
      (log: Logger) => log.info('it was %o', { secret: { url: secret } }),
      (log: Logger) => log.info({ url: secret, nested: { list: [secret] } }, 'x'),
      (log: Logger) => log.child({ url: secret }).info('x'),
      (log: Logger) => log.error(new Error(secret)),
      (log: Logger) => log.error({ err: new Error(secret) }),
      (log: Logger) => log.error({ err: new Error(secret) }, secret),
      (log: Logger) => log.error({ error: new Error(secret) }, 'under another name'),
      (log: Logger) => log.error({ err: new Error('outer', { cause: new Error(secret) }) }, 'x'),
      (log: Logger) => log.error({ err: new Error('outer', { cause: { response: { body: secret } } }) }, 'x'),
      (log: Logger) => log.error({ err: new AppError('internal', 'x', { details: { deep: [{ url: secret }] } }) }, 'x'),
      (log: Logger) => log.error({ err: new AggregateError([new Error(secret)], 'several') }, 'x'),
      (log: Logger) => log.error({ err: secret }, 'x'),
    ]) {
      const { text } = logged(write);
      expect(secretsIn(text)).toEqual([]);
    }
  });

  it('keeps of an error what one needs: its code, its details, its causes', () => {
    const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    const error = new AppError('unavailable', 'NATS is away', { cause, details: { attempt: 3 } });
    expect(logged((log) => log.error({ err: error }, 'x')).line).toMatchObject({
      err: {
        type: 'AppError',
        code: 'unavailable',
        message: 'NATS is away',
        stack: expect.stringContaining('create-logger.test'),
        details: { attempt: 3 },
        cause: { code: 'ECONNREFUSED', message: 'refused' },
      },
    });
  });

  it('survives what has no end', () => {
    const circle: Record<string, unknown> = { name: 'circle' };
    circle['self'] = circle;
    const error = new Error('circle');
    error.cause = error;
    const { text } = logged((log) =>
      log.error({ circle, err: error, big: 10n, none: undefined, at: new Date(0) }, 'x'),
    );
    expect(text).toContain('circle');
    expect(text).toContain('1970-01-01');
  });

  it('does not write files out', () => {
    const { text } = logged((log) => log.info({ body: Buffer.alloc(10_000, 65) }, 'x'));
    expect(text.length).toBeLessThan(500);
  });
});
