import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkCompose } from './check-compose.ts';

const read = (name: string): string => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');
const compose = read('docker-compose.yml');
const dockerfile = read('Dockerfile');
const envExample = read('.env.example');

describe('checkCompose', () => {
  it('finds nothing wrong with the files as they are', () => {
    expect(checkCompose(compose, dockerfile, envExample)).toEqual([]);
  });

  it.each([
    ['sync_interval: always', 'sync_interval: 2m', 'NATS must run with sync_interval: always'],
    ['127.0.0.1:${ATELIER_WEB_PORT:-8080}:8080', '8080:8080', 'bot publishes 8080:8080 beyond this machine'],
    ['SERVICE: agent', 'SERVICE: agents', 'agent runs services/agents, which has no main.ts'],
    ['  nats:\n  postgres:', '  postgres:', 'nats mounts the volume nats, which is not declared'],
  ])('says so when %s becomes %s', (from, to, problem) => {
    expect(compose).toContain(from);
    const at = compose.lastIndexOf(from);
    const changed = compose.slice(0, at) + to + compose.slice(at + from.length);
    expect(checkCompose(changed, dockerfile, envExample)).toEqual([problem]);
  });

  it('says so when a service has no health check', () => {
    const changed = compose.replace(/  healthcheck:\n    test: \['CMD-SHELL', 'test -n[^]*?start_period: 30s\n/, '');
    expect(checkCompose(changed, dockerfile, envExample)).toEqual([
      'agent has no health check',
      'comfy-worker has no health check',
    ]);
  });

  it('says so when the image runs Node in another way than the launcher', () => {
    const changed = dockerfile.replace('--optimize-for-size ', '');
    expect(checkCompose(compose, changed, envExample)).toEqual([
      'the image must run Node with --optimize-for-size --max-semi-space-size=4, as the launcher does',
    ]);
  });

  it('says so when a workspace is missing from the image', () => {
    const changed = dockerfile.replace('COPY packages/queue/package.json packages/queue/\n', '');
    expect(checkCompose(compose, changed, envExample)).toEqual([
      'Dockerfile does not copy packages/queue/package.json',
    ]);
  });
});
