import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { AppError } from '../errors/app-error.ts';
import {
  booleanSetting,
  httpUrlSetting,
  intSetting,
  logLevelSetting,
  natsUrlSetting,
  parseConfig,
  portSetting,
  postgresUrlSetting,
} from './parse-config.ts';
import { assetSettings, platformSettings } from './platform-settings.ts';

const schema = z.object({
  PORT: portSetting,
  COUNT: intSetting(1, 8).default(2),
  ENABLED: booleanSetting.default(false),
  COMFYUI_URL: httpUrlSetting,
  NATS_URL: natsUrlSetting,
  DATABASE_URL: postgresUrlSetting,
  LOG_LEVEL: logLevelSetting.default('info'),
  NAME: z.string().optional(),
});

const good = {
  PORT: '8080',
  COMFYUI_URL: 'http://127.0.0.1:8188',
  NATS_URL: 'nats://127.0.0.1:4222',
  DATABASE_URL: 'postgres://atelier:secret@127.0.0.1/atelier',
};

function failureOf(env: Record<string, string | undefined>): AppError {
  try {
    parseConfig(schema, env);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('these settings were accepted');
}

describe('settings from the environment', () => {
  it('become typed, with defaults for what is absent', () => {
    expect(parseConfig(schema, { ...good, ENABLED: 'yes', COUNT: '8', NAME: ' a b ' })).toEqual({
      ...good,
      PORT: 8080,
      COUNT: 8,
      ENABLED: true,
      LOG_LEVEL: 'info',
      NAME: 'a b',
    });
  });

  it('are unset where they are blank', () => {
    const config = parseConfig(schema, { ...good, COUNT: '', ENABLED: '  ', LOG_LEVEL: '\t', NAME: ' \n' });
    expect(config).toMatchObject({ COUNT: 2, ENABLED: false, LOG_LEVEL: 'info' });
    expect(config).not.toHaveProperty('NAME');
    expect(failureOf({ ...good, NATS_URL: ' ' }).details).toEqual({ variables: ['NATS_URL'] });
  });

  it('ignore what belongs to others', () => {
    expect(parseConfig(schema, { ...good, PATH: '/bin' })).not.toHaveProperty('PATH');
  });

  it('are all reported at once, a line each, with what is allowed', () => {
    const error = failureOf({
      PORT: '70000',
      COUNT: '12.5',
      ENABLED: 'perhaps',
      COMFYUI_URL: 'ftp://x',
      NATS_URL: '127.0.0.1:4222',
      LOG_LEVEL: 'loud',
    });
    expect(error.code).toBe('config');
    expect(error.message.split('\n')).toEqual([
      'These settings are missing or wrong:',
      '  PORT: must be a port number',
      '  COUNT: must be a whole number from 1 to 8',
      '  ENABLED: must be true or false',
      '  COMFYUI_URL: must be an http:// or https:// address',
      '  NATS_URL: must be a nats:// address',
      '  DATABASE_URL: must be a postgres:// address',
      '  LOG_LEVEL: must be trace, debug, info, warn, error or silent',
    ]);
    expect(error.details).toEqual({
      variables: ['PORT', 'COUNT', 'ENABLED', 'COMFYUI_URL', 'NATS_URL', 'DATABASE_URL', 'LOG_LEVEL'],
    });
  });

  it.each(['-1', '65536', '80.5', 'http', '0x', 'NaN', 'Infinity'])('have no port %s', (port) => {
    expect(failureOf({ ...good, PORT: port }).message).toContain('PORT: must be a port number');
  });

  it('never repeat a value, which may be a secret', () => {
    const all = z.object({ ...schema.shape, ...platformSettings, ...assetSettings });
    const told = (env: Record<string, string>): string => {
      try {
        parseConfig(all, env);
        return '';
      } catch (error) {
        return error instanceof AppError ? `${error.stack} ${JSON.stringify(error.details)}` : String(error);
      }
    };
    expect(told({ NATS_URL: 's3cret' })).toContain('NATS_URL');
    const variable = fc.constantFrom(...Object.keys(all.shape));
    fc.assert(
      fc.property(fc.dictionary(variable, fc.string()), (words) => {
        const env = Object.fromEntries(Object.entries(words).map(([key, word]) => [key, `s3cret${word}`]));
        expect(told(env)).not.toContain('s3cret');
      }),
      { seed: 3, numRuns: 200 },
    );
  });

  it.each(['two words', 'dots.in.it', 'x'.repeat(33), 'ümlaut', 'star*'])('take no prefix %j', (prefix) => {
    expect(() => parseConfig(z.object({ P: platformSettings.NATS_PREFIX }), { P: prefix })).toThrow(/letters, digits/);
  });
});
