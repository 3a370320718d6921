import { DefaultRestOptions, type ResponseLike, type RESTOptions } from 'discord.js';
import { DiscordFailure } from './discord-failure.ts';

export interface RequestGuardOptions {
  /** Monotonic, in milliseconds. */
  now: () => number;
  windowMs?: number;
  /** Refused calls within the window from which on nothing is sent but acknowledgements. */
  maxRefused?: number;
  /** The call itself. */
  makeRequest?: RESTOptions['makeRequest'];
}

export interface RequestGuard {
  makeRequest: RESTOptions['makeRequest'];
  /** Calls within the window that were answered with 401, 403 or 429. */
  readonly refused: number;
}

/** Over that window Discord bans an address after 10,000 of them: https://discord.com/developers/docs/topics/rate-limits */
const banWindowMs = 10 * 60_000;
const refusedBeforeSilence = 500;
/** Answered with status 429, and yet no rate limit that passes soon. */
const editedTooOften = 30_046;

/**
 * Counts the answers for which Discord bans a caller, and stops calling long before it would: then a call fails with
 * `rate_limited` and the time until enough of them are forgotten. Acknowledgements of interactions have four times that
 * room, since somebody waits for them.
 */
export function createRequestGuard(options: RequestGuardOptions): RequestGuard {
  const { now, makeRequest = DefaultRestOptions.makeRequest } = options;
  const windowMs = options.windowMs ?? banWindowMs;
  const maxRefused = options.maxRefused ?? refusedBeforeSilence;
  const times: number[] = [];

  function recent(): number {
    const since = now() - windowMs;
    while ((times[0] ?? Infinity) <= since) times.shift();
    return times.length;
  }

  return {
    get refused() {
      return recent();
    },
    async makeRequest(url, init) {
      const room = isAcknowledgement(url) ? 4 * maxRefused : maxRefused;
      const tooMany = recent() - room;
      if (tooMany >= 0) {
        const afterMs = Math.max(1, (times[tooMany] ?? now()) + windowMs - now());
        throw new DiscordFailure('rate_limited', 'too many calls were refused: silent for a while', {}, afterMs);
      }
      const response = await makeRequest(url, init);
      const { status, headers } = response;
      const isShared = status === 429 && headers.get('x-ratelimit-scope') === 'shared';
      if ((status === 401 || status === 403 || status === 429) && !isShared) times.push(now());
      return status === 429 ? checkRefusal(response) : response;
    },
  };
}

/**
 * The library repeats whatever was answered with 429, at once where no time is named: but some of these answers are final,
 * and a banned caller is told no time.
 */
async function checkRefusal(response: ResponseLike): Promise<ResponseLike> {
  const text = await response.text();
  if (codeOf(text) === editedTooOften) throw new DiscordFailure('edited_too_often', 'too many edits of an old message');
  if (response.headers.get('retry-after') === null) {
    throw new DiscordFailure('rate_limited', 'refused without a time', {}, banWindowMs / 10);
  }
  return new Response(text, { status: response.status, headers: response.headers });
}

function codeOf(text: string): unknown {
  try {
    return (JSON.parse(text) as { code?: unknown } | null)?.code;
  } catch {
    return undefined;
  }
}

function isAcknowledgement(url: string): boolean {
  return new URL(url).pathname.endsWith('/callback');
}
