import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { countStall, createServiceCounters } from '../metrics/service-counters.ts';
import { createServiceRegistry } from '../metrics/service-metrics.ts';
import { startHealthServer, type HealthServer } from './health-server.ts';

const log = pino({ enabled: false });
const servers: HealthServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
});

async function start(isReady: () => boolean, port = 0): Promise<HealthServer | undefined> {
  const counters = createServiceCounters();
  countStall(counters, 'telegram', 1_000);
  const registry = createServiceRegistry('bot', counters);
  const server = await startHealthServer({
    port,
    host: '127.0.0.1',
    service: 'bot',
    log,
    isReady,
    metrics: () => Promise.resolve(registry),
  });
  if (server !== undefined) servers.push(server);
  return server;
}
const get = (server: HealthServer | undefined, path: string, method = 'GET'): Promise<Response> =>
  fetch(`http://127.0.0.1:${server?.port ?? 0}${path}`, { method });

describe('the health address of a service', () => {
  it('tells alive from ready', async () => {
    let ready = false;
    const server = await start(() => ready);
    expect((await get(server, '/healthz')).status).toBe(200);
    expect((await get(server, '/readyz')).status).toBe(503);
    ready = true;
    expect(await (await get(server, '/readyz')).json()).toEqual({ ok: true, service: 'bot' });
  });

  it('gives the figures in the text that Prometheus reads, with the service on each', async () => {
    const answer = await get(await start(() => true), '/metrics');
    expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
    const text = await answer.text();
    expect(text).toContain('atelier_rate_limit_stalls_total{platform="telegram",service="bot"} 1');
    expect(text).toMatch(/process_resident_memory_bytes\{service="bot"\} \d+/);
  });

  it('has nothing else, and changes nothing', async () => {
    const server = await start(() => true);
    expect((await get(server, '/')).status).toBe(404);
    expect((await get(server, '/metrics', 'POST')).status).toBe(405);
  });

  it('leaves the service alone where its port is taken', async () => {
    const first = await start(() => true);
    expect(await start(() => true, first?.port)).toBeUndefined();
    expect((await get(first, '/healthz')).status).toBe(200);
  });
});
