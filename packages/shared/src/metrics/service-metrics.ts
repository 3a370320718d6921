import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** What every service can count of itself. Names begin with `atelier_`; seconds are seconds. */
export interface ServiceMetrics {
  registry: Registry;
  /** Waits that a platform's limiter asked for, by platform (`discord`, `telegram`, `claude`). */
  rateLimitStalls: Counter<'platform'>;
  /** Seconds of those waits. */
  rateLimitStallSeconds: Counter<'platform'>;
  /** HTTP requests answered, by route and status class. */
  httpSeconds: Histogram<'method' | 'route' | 'status'>;
  /** WebSockets that are open. */
  openSockets: Gauge<'kind'>;
}

/** From a millisecond to ten seconds. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * A registry with the process's own figures (memory, event loop, CPU) and what services count. Every line carries the
 * service's name.
 */
export function createServiceMetrics(service: string): ServiceMetrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  const registers = [registry];
  return {
    registry,
    rateLimitStalls: new Counter({
      name: 'atelier_rate_limit_stalls_total',
      help: 'Waits that a platform asked for',
      labelNames: ['platform'],
      registers,
    }),
    rateLimitStallSeconds: new Counter({
      name: 'atelier_rate_limit_stall_seconds_total',
      help: 'Seconds of waits that a platform asked for',
      labelNames: ['platform'],
      registers,
    }),
    httpSeconds: new Histogram({
      name: 'atelier_http_request_seconds',
      help: 'Time to answer an HTTP request',
      labelNames: ['method', 'route', 'status'],
      buckets: latencyBuckets,
      registers,
    }),
    openSockets: new Gauge({ name: 'atelier_open_sockets', help: 'Open WebSockets', labelNames: ['kind'], registers }),
  };
}
