/** How many calls a bucket allows in how long. */
export interface BucketRule {
  limit: number;
  windowMs: number;
}

export interface RateLimitAnswer {
  allowed: boolean;
  headers: Record<string, string>;
  retryAfterSeconds: number;
  global: boolean;
}

interface Bucket {
  used: number;
  resetAt: number;
}

const globalRule: BucketRule = { limit: 50, windowMs: 1_000 };

/** Discord's rate limits: a bucket a route and channel, and 50 calls a second in all. */
export function createRateLimits(options: { now: () => number; rules: Record<string, BucketRule>; timeScale: number }) {
  const { now, rules, timeScale } = options;
  const buckets = new Map<string, Bucket>();

  function take(key: string, rule: BucketRule): Bucket & { allowed: boolean } {
    const at = now();
    let bucket = buckets.get(key);
    if (bucket === undefined || bucket.resetAt <= at) {
      bucket = { used: 0, resetAt: at + rule.windowMs / timeScale };
      buckets.set(key, bucket);
    }
    const allowed = bucket.used < rule.limit;
    if (allowed) bucket.used += 1;
    return { ...bucket, allowed };
  }

  return {
    /** @param route the name of a rule; routes without one have no bucket. */
    take(route: string, major: string, countsGlobally: boolean): RateLimitAnswer {
      const rule = rules[route];
      if (countsGlobally) {
        const whole = take('global', globalRule);
        if (!whole.allowed) {
          const retryAfterSeconds = (whole.resetAt - now()) / 1_000;
          const headers = { 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' };
          return { allowed: false, retryAfterSeconds, global: true, headers };
        }
      }
      if (rule === undefined) return { allowed: true, retryAfterSeconds: 0, global: false, headers: {} };
      const bucket = take(`${route}:${major}`, rule);
      const retryAfterSeconds = Math.max(0, bucket.resetAt - now()) / 1_000;
      return {
        allowed: bucket.allowed,
        retryAfterSeconds,
        global: false,
        headers: {
          'x-ratelimit-bucket': route,
          'x-ratelimit-limit': String(rule.limit),
          'x-ratelimit-remaining': String(Math.max(0, rule.limit - bucket.used)),
          'x-ratelimit-reset': String(bucket.resetAt / 1_000),
          'x-ratelimit-reset-after': retryAfterSeconds.toFixed(3),
          ...(bucket.allowed ? {} : { 'x-ratelimit-scope': 'user' }),
        },
      };
    },
  };
}
export type RateLimits = ReturnType<typeof createRateLimits>;
