import { expect, test } from 'vitest';
import { natsConfig } from './nats-config.ts';

const options = { storeDir: '/s', pidFile: '/p', portsDir: '/d', logFile: '/l', port: 4222, sync: 'always' as const };

test('a durable server syncs every message and listens on loopback only', () => {
  const config = natsConfig(options);
  expect(config).toContain('sync_interval: always');
  expect(config).toContain('host: "127.0.0.1"');
  expect(config).not.toContain('max_payload');
});

test('paths with quotes and spaces stay one value', () => {
  expect(natsConfig({ ...options, storeDir: '/a "b" c' })).toContain(String.raw`store_dir: "/a \"b\" c"`);
});
