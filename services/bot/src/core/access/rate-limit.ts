const minuteMs = 60_000;
/** People whose requests are remembered; far more than ask within a minute. */
const maxPeople = 10_000;

export interface RateLimit {
  /** Counts a request. @returns ms until they may ask again, 0 where they may now. */
  take(key: string, perMinute: number): number;
}

/** So many requests a person within any minute. Of this process: a guard against floods, not an account. */
export function createRateLimit(now: () => number): RateLimit {
  const asked = new Map<string, number[]>();
  return {
    take(key, perMinute) {
      const since = now() - minuteMs;
      const recent = (asked.get(key) ?? []).filter((at) => at > since);
      asked.delete(key);
      asked.set(key, recent);
      if (asked.size > maxPeople) {
        const [oldest] = asked.keys();
        if (oldest !== undefined) asked.delete(oldest);
      }
      const first = recent[recent.length - perMinute];
      if (first !== undefined) return Math.max(1, first - since);
      recent.push(now());
      return 0;
    },
  };
}
