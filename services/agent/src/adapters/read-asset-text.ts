import { text } from 'node:stream/consumers';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { AppError } from '@atelier/shared/errors/app-error';

/** Registries of the largest installations are about 20 MB. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

/** A stored file as text. @throws AppError `not_found`, `too_large`, `unavailable`. */
export async function readAssetText(assets: AssetStore, hash: string): Promise<string> {
  const info = await assets.head(hash);
  if (info === undefined)
    throw new AppError('not_found', 'the asset store does not have this file', { details: { hash } });
  if (info.bytes > MAX_TEXT_BYTES) throw new AppError('too_large', `a text of ${info.bytes} bytes is not read`);
  return text(await assets.get(hash));
}
