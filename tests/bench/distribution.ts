/** What a list of measurements looks like. Unit as measured. */
export interface Distribution {
  n: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** @param values at least one. */
export function describeValues(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
  return { n: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** `p50 8.1  p95 12.0  p99 17.3  max 20.1 ms (n = 200)` */
export function formatDistribution(values: Distribution, unit: string): string {
  const number = (value: number): string => value.toFixed(1);
  return `p50 ${number(values.p50)}  p95 ${number(values.p95)}  p99 ${number(values.p99)}  max ${number(values.max)} ${unit} (n = ${values.n})`;
}
