import type { Logger } from 'pino';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import { putBackExpiredAssets, takeExpiredAssets } from '@atelier/shared/db/asset-register';
import type { Database } from '@atelier/shared/db/connect-database';

const hourMs = 3_600_000;
/** Files looked for at a time, and how often in one go. */
const batch = 1_000;
const maxBatches = 50;

/** Deletes the bytes of files whose time is over, and what killed processes left half stored. */
export async function deleteExpiredFiles(
  db: Database,
  files: Pick<AssetStore, 'deleteUnreferenced' | 'sweepTemporary'>,
  log: Logger,
): Promise<void> {
  let deleted = 0;
  for (let batches = 0; batches < maxBatches; batches += 1) {
    const hashes = await takeExpiredAssets(db, batch);
    try {
      deleted += await files.deleteUnreferenced(hashes, { olderThanMs: hourMs });
    } catch (error) {
      // Nobody else knows of these bytes any more: without their rows they would lie there for good.
      await putBackExpiredAssets(db, hashes);
      throw error;
    }
    if (hashes.length < batch) break;
  }
  const leftovers = await files.sweepTemporary(24 * hourMs);
  if (deleted + leftovers > 0) log.info({ deleted, leftovers }, 'expired files deleted');
}
