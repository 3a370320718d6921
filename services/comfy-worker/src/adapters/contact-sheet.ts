import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { type ContactSheet, drawContactSheet, MAX_SHEET_PICTURES } from '@atelier/shared/assets/draw-contact-sheet';
import type { JobOutput } from '@atelier/shared/contracts/job';
import { readStored } from './stored-picture.ts';

/**
 * A sheet of several pictures, drawn from their thumbnails; `undefined` where one cannot be drawn.
 *
 * @throws AppError `unavailable` when the store goes away.
 */
export async function contactSheetOf(
  assets: AssetStore,
  pictures: readonly JobOutput[],
): Promise<ContactSheet | undefined> {
  const hashes = pictures.flatMap(({ thumbnailHash }) => (thumbnailHash === undefined ? [] : [thumbnailHash]));
  const thumbnails: Buffer[] = [];
  for (const hash of hashes.slice(0, MAX_SHEET_PICTURES)) thumbnails.push(await readStored(assets, hash));
  if (thumbnails.length === 0) return undefined;
  try {
    return await drawContactSheet(thumbnails);
  } catch {
    return undefined;
  }
}
