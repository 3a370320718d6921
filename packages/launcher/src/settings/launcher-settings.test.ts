import { expect, test } from 'vitest';
import { parseLauncherSettings } from './launcher-settings.ts';

test('nothing set: state beside the working folder, loopback, all servers our own', () => {
  expect(parseLauncherSettings({}, '/clone')).toEqual({
    home: '/clone/.atelier',
    webHost: '127.0.0.1',
    webPort: undefined,
    gatewayHost: '127.0.0.1',
    gatewayPort: undefined,
    doorPort: undefined,
    metricsPort: undefined,
    comfyuiUrl: undefined,
    simulatorSpeed: 1,
    databaseUrl: undefined,
    natsUrl: undefined,
    logLevel: undefined,
  });
});

test('an absolute home stays as it is', () => {
  expect(parseLauncherSettings({ ATELIER_HOME: '/var/atelier', ATELIER_WEB_PORT: '9000' }, '/clone')).toMatchObject({
    home: '/var/atelier',
    webPort: 9_000,
  });
});

test('every bad variable is named at once, and no value is repeated', () => {
  const parse = () =>
    parseLauncherSettings({ ATELIER_WEB_PORT: 'eighty', NATS_URL: 'http://secret@host', DATABASE_URL: 'x' }, '/clone');
  expect(parse).toThrow(/ATELIER_WEB_PORT.*\n.*DATABASE_URL.*\n.*NATS_URL/);
  expect(parse).not.toThrow(/secret/);
});
