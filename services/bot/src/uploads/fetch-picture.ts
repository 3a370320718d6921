import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { AppError } from '@atelier/shared/errors/app-error';
import { createCheckedLookup } from '@atelier/shared/net/checked-lookup';
import { createAddressCheck } from '@atelier/shared/net/public-address';
import { MAX_UPLOAD_BYTES, pictureTooLarge } from './take-in-image.ts';

/**
 * The bytes behind a link that somebody wrote, from the public internet and from nowhere else.
 *
 * @throws AppError `invalid_input` where there is nothing to be had, `too_large`
 */
export type PictureFetcher = (url: string) => Promise<Uint8Array>;

export interface PictureFetcherOptions {
  /** Also http and private addresses: for tests. */
  allowPrivateTargets?: boolean;
  timeoutMs?: number;
  maxBytes?: number;
}

const maxRedirects = 3;

export function createPictureFetcher(options: PictureFetcherOptions = {}): PictureFetcher {
  const { allowPrivateTargets = false, timeoutMs = 10_000, maxBytes = MAX_UPLOAD_BYTES } = options;
  const isPublic = createAddressCheck();
  const mayReach = (address: string): boolean => allowPrivateTargets || isPublic(address);
  const lookup = createCheckedLookup(mayReach);

  function parse(text: string, base?: string): URL {
    const url = URL.canParse(text, base) ? new URL(text, base) : undefined;
    const isSecure = url?.protocol === 'https:' || (allowPrivateTargets && url?.protocol === 'http:');
    // A literal is never looked up.
    const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
    const isReachable = isIP(host) === 0 || mayReach(host);
    if (url === undefined || !isSecure || url.username !== '' || url.password !== '' || !isReachable) throw unfetched();
    return url;
  }

  function open(url: URL, signal: AbortSignal): Promise<IncomingMessage> {
    const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = ask(url, { headers: { accept: 'image/*' }, lookup, agent: false, signal });
      request.on('error', reject);
      request.on('response', resolve);
      request.end();
    });
  }

  async function read(response: IncomingMessage): Promise<Uint8Array> {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response) {
      bytes += (chunk as Buffer).length;
      if (bytes > maxBytes) {
        response.destroy();
        throw pictureTooLarge();
      }
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  }

  return async (link) => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      let url = parse(link);
      for (let redirects = 0; redirects <= maxRedirects; redirects += 1) {
        const response = await open(url, signal);
        const { statusCode = 0, headers } = response;
        if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
          response.destroy();
          url = parse(headers.location, url.href);
          continue;
        }
        if (statusCode !== 200) {
          response.destroy();
          throw unfetched();
        }
        return await read(response);
      }
      throw unfetched();
    } catch (cause) {
      throw cause instanceof AppError ? cause : unfetched(cause);
    }
  };
}

function unfetched(cause?: unknown): AppError {
  return new AppError('invalid_input', 'a linked picture could not be fetched', {
    ...(cause === undefined ? {} : { cause }),
    publicMessage: {
      en: 'The picture behind the link could not be fetched: attach the picture itself.',
      zh: '无法获取链接中的图片，请直接上传图片。',
    },
  });
}
