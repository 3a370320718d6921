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
  /** The caller had been told to wait, and did not. */
  early: boolean;
}

interface Bucket {
  used: number;
  resetAt: number;
  /** When a caller was first refused, and so told how long to wait. */
  refusedAt: number | undefined;
}

const globalRule: BucketRule = { limit: 50, windowMs: 1_000 };
/** https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit */
const invalidRule: BucketRule = { limit: 10_000, windowMs: 10 * 60_000 };
/** Clocks are read at both ends of a line. */
const slackMs = 2;
/** A call that was on its way when an earlier one was refused is not early. */
const underwayMs = 25;

/** Discord's rate limits: a bucket a route and channel, 50 calls a second in all, and the ban for too many bad calls. */
export function createRateLimits(options: {
  now: () => number;
  rules: Record<string, BucketRule>;
  timeScale: number;
  maxInvalid?: number;
}) {
  const { now, rules, timeScale } = options;
  const buckets = new Map<string, Bucket>();
  /** Times of answers 401, 403 and 429. */
  const invalid: number[] = [];
  let storm: { until: number; refusedAt: number | undefined } | undefined;
  let early = 0;
  let banned = 0;

  function take(key: string, rule: BucketRule): { used: number; resetAt: number; allowed: boolean; early: boolean } {
    const at = now();
    let bucket = buckets.get(key);
    if (bucket === undefined || bucket.resetAt <= at) {
      bucket = { used: 0, resetAt: at + rule.windowMs / timeScale, refusedAt: undefined };
      buckets.set(key, bucket);
    }
    const allowed = bucket.used < rule.limit;
    const tooEarly = !allowed && isEarly(at, bucket.refusedAt, bucket.resetAt);
    if (allowed) bucket.used += 1;
    else bucket.refusedAt ??= at;
    return { used: bucket.used, resetAt: bucket.resetAt, allowed, early: tooEarly };
  }

  function isEarly(at: number, refusedAt: number | undefined, until: number): boolean {
    return refusedAt !== undefined && at - refusedAt > underwayMs && until - at > slackMs;
  }

  function refused(retryAfterMs: number, tooEarly: boolean): RateLimitAnswer {
    if (tooEarly) early += 1;
    const headers = { 'x-ratelimit-global': 'true', 'x-ratelimit-scope': 'global' };
    return { allowed: false, retryAfterSeconds: retryAfterMs / 1_000, global: true, headers, early: tooEarly };
  }

  function recentlyInvalid(): number {
    const since = now() - invalidRule.windowMs / timeScale;
    while ((invalid[0] ?? Infinity) < since) invalid.shift();
    return invalid.length;
  }

  return {
    /** @param route the name of a rule; routes without one have no bucket. */
    take(route: string, major: string, countsGlobally: boolean): RateLimitAnswer {
      const rule = rules[route];
      if (countsGlobally) {
        if (storm !== undefined && storm.until > now()) {
          const at = now();
          const answer = refused(storm.until - at, isEarly(at, storm.refusedAt, storm.until));
          storm.refusedAt ??= at;
          return answer;
        }
        const whole = take('global', globalRule);
        if (!whole.allowed) return refused(whole.resetAt - now(), whole.early);
      }
      if (rule === undefined) return { allowed: true, retryAfterSeconds: 0, global: false, headers: {}, early: false };
      const bucket = take(`${route}:${major}`, rule);
      if (bucket.early) early += 1;
      const retryAfterSeconds = Math.max(0, bucket.resetAt - now()) / 1_000;
      return {
        allowed: bucket.allowed,
        early: bucket.early,
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
    /** Counts an answer; a 429 of a limit that others share is no fault of the caller. */
    count(status: number): void {
      if (status === 401 || status === 403 || status === 429) invalid.push(now());
    },
    /** Too many bad calls: this address is not served. */
    get isBanned(): boolean {
      const isBanned = recentlyInvalid() >= (options.maxInvalid ?? invalidRule.limit);
      if (isBanned) banned += 1;
      return isBanned;
    },
    /** Bad calls within the last ten minutes, calls that came before they were allowed, and calls of a banned address. */
    get counts() {
      return { invalid: recentlyInvalid(), early, banned };
    },
    /** Every call is refused for so long. */
    beginStorm(durationMs: number): void {
      storm = { until: now() + durationMs / timeScale, refusedAt: undefined };
    },
  };
}
export type RateLimits = ReturnType<typeof createRateLimits>;
