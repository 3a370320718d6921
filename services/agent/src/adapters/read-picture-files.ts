import { buffer } from 'node:stream/consumers';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { AppError } from '@atelier/shared/errors/app-error';
import type { PictureFiles } from '../core/planning-parts.ts';

/** Stored pictures, read whole and up to a cap. */
export function createPictureFiles(assets: Pick<AssetStore, 'head' | 'get'>): PictureFiles {
  return {
    has: async (hash) => (await assets.head(hash)) !== undefined,
    async read(hash, maxBytes) {
      const info = await assets.head(hash);
      if (info === undefined)
        throw new AppError('not_found', 'the asset store does not have this file', { details: { hash } });
      if (info.bytes > maxBytes) throw new AppError('too_large', `a picture of ${info.bytes} bytes is not read`);
      return buffer(await assets.get(hash));
    },
  };
}
