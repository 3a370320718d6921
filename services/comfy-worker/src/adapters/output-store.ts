import { Readable } from 'node:stream';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { JobOutput } from '@atelier/shared/contracts/job';
import type { OutputStore } from '../ports.ts';
import { contactSheetOf } from './contact-sheet.ts';
import { mediaTypeOf, peekStream } from './media-type.ts';
import { describePicture } from './stored-picture.ts';

/** A decoder holds the whole file: larger ones are kept and handed over without a thumbnail. */
const maxDecodedBytes = 67_108_864;

/** {@link OutputStore} from ComfyUI into the asset store. */
export function createOutputStore(
  client: Pick<ComfyClient, 'view'>,
  assets: AssetStore,
  maxBytes: number,
): OutputStore {
  return {
    async store(file, index, signal) {
      const { body } = await client.view(file, { signal });
      const { head, all } = await peekStream(Readable.fromWeb(body));
      const mediaType = await mediaTypeOf(head, file.filename);
      const stored = await assets.put(all, { mediaType, maxBytes });
      if (stored.bytes === 0) throw new ComfyError('refused', `ComfyUI gave ${file.filename} without a single byte.`);
      const mayBePicture = mediaType.startsWith('image/') && stored.bytes <= maxDecodedBytes;
      const picture = mayBePicture ? await describePicture(assets, stored.hash) : undefined;
      const { nodeId, filename } = file;
      return { index, hash: stored.hash, mediaType, bytes: stored.bytes, ...picture, nodeId, filename };
    },

    async storeText({ nodeId, filename, text }, index) {
      const mediaType = 'text/plain';
      const stored = await assets.put(Buffer.from(text), { mediaType, maxBytes });
      return { index, hash: stored.hash, mediaType, bytes: stored.bytes, nodeId, filename };
    },

    async storeSheet(pictures, index): Promise<JobOutput | undefined> {
      const sheet = await contactSheetOf(assets, pictures);
      if (sheet === undefined) return undefined;
      const mediaType = 'image/webp';
      const stored = await assets.put(sheet.bytes, { mediaType, maxBytes: sheet.bytes.byteLength });
      return {
        index,
        kind: 'sheet',
        hash: stored.hash,
        mediaType,
        bytes: stored.bytes,
        width: sheet.width,
        height: sheet.height,
        nodeId: pictures[0]?.nodeId ?? '',
        filename: 'contact-sheet.webp',
      };
    },
  };
}
