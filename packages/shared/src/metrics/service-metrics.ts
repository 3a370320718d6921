import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { counterSpecs, type CounterName, type ServiceCounters } from './service-counters.ts';

export { Gauge, Registry } from 'prom-client';

/** What every service can show of itself. Names begin with `atelier_`; seconds are seconds. */
export interface ServiceMetrics {
  registry: Registry;
  /** HTTP requests answered, by route and status class. */
  httpSeconds: Histogram<'method' | 'route' | 'status'>;
  /** WebSockets that are open. */
  openSockets: Gauge<'kind'>;
}

/** From a millisecond to ten seconds. */
const latencyBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * A registry with the process's own figures (memory, event loop, CPU) and what the service counts. Every line carries the
 * service's name.
 */
export function createServiceRegistry(service: string, counters?: Pick<ServiceCounters, 'values'>): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 100 });
  if (counters !== undefined) showCounters(registry, counters);
  return registry;
}

/** {@link createServiceRegistry} of a service that answers HTTP requests. */
export function createServiceMetrics(service: string): ServiceMetrics {
  const registry = createServiceRegistry(service);
  const registers = [registry];
  return {
    registry,
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

function showCounters(registry: Registry, counters: Pick<ServiceCounters, 'values'>): void {
  for (const [name, { help, labels }] of Object.entries(counterSpecs)) {
    const counter = new Counter({
      name,
      help,
      labelNames: [...labels],
      registers: [],
      collect() {
        this.reset();
        for (const one of counters.values()) if (one.name === (name as CounterName)) this.inc(one.labels, one.value);
      },
    });
    registry.registerMetric(counter);
  }
}
