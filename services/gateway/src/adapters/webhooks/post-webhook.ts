import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { createCheckedLookup } from '@atelier/shared/net/checked-lookup';
import { createAddressCheck } from '@atelier/shared/net/public-address';
import { problem } from '../../core/problems/to-problem.ts';

export interface WebhookAnswer {
  status: number;
  /** `Retry-After`, in milliseconds, where it was given in seconds. */
  retryAfterMs: number | undefined;
}

/** Sends to addresses that people name, and to no other place than the public internet. */
export interface WebhookPoster {
  /** @throws AppError (`VALIDATION_ERROR`) where this address will not be sent to. */
  check(url: string): Promise<void>;
  /** One POST; redirects are not followed. @throws Error where there was no answer. */
  post(url: string, headers: Record<string, string>, body: string): Promise<WebhookAnswer>;
}

export interface WebhookPosterOptions {
  /** Also http and private addresses: for one's own network, and for tests. */
  allowPrivateTargets: boolean;
  timeoutMs?: number;
}

/** Of an answer, no more than this is read. */
const maxAnswerBytes = 16_384;

export function createWebhookPoster(options: WebhookPosterOptions): WebhookPoster {
  const { allowPrivateTargets } = options;
  const timeoutMs = options.timeoutMs ?? 15_000;
  const isPublic = createAddressCheck();
  const mayReach = (address: string): boolean => allowPrivateTargets || isPublic(address);

  const lookup = createCheckedLookup(mayReach);

  function parse(text: string): URL {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const secure = url?.protocol === 'https:' || (allowPrivateTargets && url?.protocol === 'http:');
    if (url === undefined || !secure) throw refused('it must be an https:// address');
    if (url.username !== '' || url.password !== '') throw refused('it must not hold a user name or a password');
    // A literal is never looked up.
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (isIP(host) !== 0 && !mayReach(host)) throw refused('it must be of the public internet');
    return url;
  }

  return {
    async check(text) {
      const url = parse(text);
      const host = url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(host) !== 0) return;
      await new Promise<void>((resolve, reject) => {
        lookup(host, {}, (error) =>
          error === null ? resolve() : reject(refused('its name must lead to the public internet')),
        );
      });
    },
    post(text, headers, body) {
      const url = parse(text);
      const open = url.protocol === 'https:' ? httpsRequest : httpRequest;
      return new Promise((resolve, reject) => {
        const request = open(url, {
          method: 'POST',
          headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
          lookup,
          agent: false,
          signal: AbortSignal.timeout(timeoutMs),
        });
        request.on('error', reject);
        request.on('response', (response: IncomingMessage) => {
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > maxAnswerBytes) response.destroy();
          });
          response.on('error', () => undefined);
          response.on('close', () => {
            const seconds = Number(response.headers['retry-after'] ?? Number.NaN);
            resolve({
              status: response.statusCode ?? 0,
              retryAfterMs: Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined,
            });
          });
        });
        request.end(body);
      });
    },
  };
}

function refused(why: string) {
  return problem(
    'VALIDATION_ERROR',
    `This webhook address is not sent to: ${why}.`,
    `不会向此 webhook 地址发送：${why}。`,
  );
}
