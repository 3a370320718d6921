import { expect, it } from 'vitest';
import { countStall, createServiceCounters } from './service-counters.ts';
import { createServiceRegistry } from './service-metrics.ts';

it('shows what was counted before and between looks, with the name of the service', async () => {
  const counters = createServiceCounters();
  countStall(counters, 'discord', 1_500);
  const registry = createServiceRegistry('bot', counters);
  countStall(counters, 'discord', 500);
  countStall(counters, 'telegram', 3_000);
  await registry.metrics();
  counters.add('atelier_model_dollars_total', {}, 0.25);
  const lines = (await registry.metrics()).split('\n');
  expect(lines).toEqual(
    expect.arrayContaining([
      'atelier_rate_limit_stalls_total{platform="discord",service="bot"} 2',
      'atelier_rate_limit_stall_seconds_total{platform="discord",service="bot"} 2',
      'atelier_rate_limit_stall_seconds_total{platform="telegram",service="bot"} 3',
      'atelier_model_dollars_total{service="bot"} 0.25',
    ]),
  );
  expect(lines.some((line) => line.startsWith('process_resident_memory_bytes'))).toBe(true);
});
