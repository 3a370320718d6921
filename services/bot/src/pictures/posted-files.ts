import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import type { AssetStore } from '@atelier/shared/assets/asset-store';

/** Larger files go as they are: nobody posts a picture of that size into a chat. */
const maxStrippedBytes = 64 * 1_024 * 1_024;
const withMetadata: ReadonlySet<string> = new Set(['png', 'jpeg', 'webp']);

/**
 * Files as they are posted into chats: pictures without the workflow and the prompt that ComfyUI wrote into them, which the
 * stored originals keep. A picture that cannot be read goes as it is.
 */
export function createPostedFiles(files: Pick<AssetStore, 'get' | 'head'>): Pick<AssetStore, 'get' | 'head'> {
  return {
    head: (hash) => files.head(hash),
    async get(hash, range) {
      const size = (await files.head(hash))?.bytes;
      if (range !== undefined || size === undefined || size > maxStrippedBytes) return files.get(hash, range);
      const bytes = await buffer(await files.get(hash));
      return Readable.from([withMetadata.has(formatOf(bytes)) ? await stripped(bytes) : bytes]);
    },
  };
}

async function stripped(bytes: Buffer): Promise<Buffer> {
  // Loaded at the first picture.
  const { stripMetadata } = await import('@atelier/comfyui/metadata/write-metadata');
  try {
    return Buffer.from(stripMetadata(bytes));
  } catch {
    return bytes;
  }
}

function formatOf(bytes: Buffer): string {
  if (bytes.subarray(0, 8).equals(pngSignature)) return 'png';
  if (bytes[0] === 0xff && bytes[1] === 0xd8) return 'jpeg';
  return bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP' ? 'webp' : 'other';
}

const pngSignature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
