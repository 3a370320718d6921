/** What a service counts of itself, as Prometheus shows it; the gateway reads all else from Postgres. */
export const counterSpecs = {
  atelier_rate_limit_stalls_total: {
    help: 'Waits that a platform asked for (discord, telegram, claude)',
    labels: ['platform'],
  },
  atelier_rate_limit_stall_seconds_total: { help: 'Seconds of those waits', labels: ['platform'] },
  atelier_model_replies_total: { help: 'Replies of the language model that were paid for', labels: ['outcome'] },
  atelier_model_tokens_total: {
    help: 'Tokens of the language model (input, output, cache_read, cache_write)',
    labels: ['kind'],
  },
  atelier_model_dollars_total: { help: 'US dollars that the language model cost, by the price table', labels: [] },
  atelier_model_retries_total: {
    help: 'Calls of the language model that were made again, by cause',
    labels: ['reason'],
  },
} as const satisfies Record<string, { help: string; labels: readonly string[] }>;

export type CounterName = keyof typeof counterSpecs;
export type CounterLabels<Name extends CounterName> = Record<(typeof counterSpecs)[Name]['labels'][number], string>;

export interface CountedValue {
  name: CounterName;
  labels: Readonly<Record<string, string>>;
  value: number;
}

/** Counters that cost nothing until somebody looks: the library that shows them is loaded by the first look. */
export interface ServiceCounters {
  add<Name extends CounterName>(name: Name, labels: CounterLabels<Name>, by?: number): void;
  values(): CountedValue[];
}

/** Platforms with limits of their own. */
export type LimitedPlatform = 'discord' | 'telegram' | 'claude';

export function createServiceCounters(): ServiceCounters {
  const counted = new Map<string, CountedValue>();
  return {
    add(name, labels, by = 1) {
      const key = JSON.stringify([name, labels]);
      const before = counted.get(key)?.value ?? 0;
      counted.set(key, { name, labels, value: before + by });
    },
    values: () => [...counted.values()],
  };
}

/** One wait that a platform asked for. */
export function countStall(counters: ServiceCounters, platform: LimitedPlatform, waitMs: number): void {
  counters.add('atelier_rate_limit_stalls_total', { platform });
  counters.add('atelier_rate_limit_stall_seconds_total', { platform }, waitMs / 1_000);
}
