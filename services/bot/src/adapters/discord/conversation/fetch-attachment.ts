import { AppError } from '@atelier/shared/errors/app-error';
import { MAX_UPLOAD_BYTES } from '../../../uploads/take-in-image.ts';

/** @throws AppError `too_large`, `unavailable`, `invalid_input` for an address that is not Discord's. */
export type AttachmentFetcher = (url: string) => Promise<Uint8Array>;

const discordFileHosts: ReadonlySet<string> = new Set(['cdn.discordapp.com', 'media.discordapp.net']);
const fetchTimeoutMs = 20_000;

/** Fetches attachments from Discord's own hosts, or from the host of the API that was set, and from nowhere else. */
export function createAttachmentFetcher(apiUrl: string): AttachmentFetcher {
  const apiOrigin = new URL(apiUrl).origin;
  return async (url) => {
    const address = new URL(url);
    const isDiscord = address.protocol === 'https:' && discordFileHosts.has(address.host);
    if (!isDiscord && address.origin !== apiOrigin) throw new AppError('invalid_input', 'an attachment from elsewhere');
    try {
      const response = await fetch(address, { redirect: 'error', signal: AbortSignal.timeout(fetchTimeoutMs) });
      if (!response.ok || response.body === null) throw new Error(`status ${response.status}`);
      return await readAtMost(response.body, MAX_UPLOAD_BYTES);
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError('unavailable', 'an attachment could not be fetched', {
        cause,
        publicMessage: {
          en: 'The attached picture could not be fetched from Discord: attach it again.',
          zh: '无法从 Discord 获取附加的图片，请重新上传。',
        },
      });
    }
  };
}

async function readAtMost(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    // One byte more than allowed is enough for whoever looks at it to refuse it with its own words.
    if (bytes > maxBytes) return Buffer.concat([...chunks, chunk]);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
