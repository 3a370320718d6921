import type { ServiceProcess } from './service-process.ts';

/** Figures as Prometheus reads them. */
export interface Figures {
  /** Names of metrics, whether they have values or not. */
  names: string[];
  /** The value with these labels among its own; undefined where there is none. */
  value(name: string, labels?: Record<string, string>): number | undefined;
  /** Over all labels. */
  sum(name: string): number;
}

/** Looks at the `/metrics` of a service that was started with `ATELIER_METRICS_PORT=0`. */
export async function metricsOf(service: ServiceProcess): Promise<Figures> {
  const { metricsUrl } = service.ready;
  if (metricsUrl === undefined) throw new Error(`${service.name} serves no figures`);
  const answer = await fetch(new URL('/metrics', metricsUrl));
  const lines = (await answer.text()).split('\n');
  const samples = lines.flatMap((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, labels, value: Number(value) }];
  });
  return {
    names: lines.flatMap((line) => /^# TYPE (\w+)/.exec(line)?.[1] ?? []),
    value: (name, wanted = {}) =>
      samples.find(
        (one) =>
          one.name === name &&
          Object.entries(wanted).every(([label, text]) => one.labels.includes(`${label}="${text}"`)),
      )?.value,
    sum: (name) => samples.reduce((sum, one) => sum + (one.name === name ? one.value : 0), 0),
  };
}
