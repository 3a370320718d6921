import { addPost } from '@atelier/shared/db/chat/chat-posts';
import { type ModelBudgets, readTroubles, type Trouble } from '@atelier/shared/db/chat/notice-sources';
import type { Database } from '@atelier/shared/db/connect-database';
import { describeTrouble } from '../core/notices/describe-trouble.ts';
import type { ChatSettingsCache } from './chat-settings-cache.ts';

/** Of the disk that keeps pictures, in bytes. */
export interface DiskSpace {
  free: number;
  total: number;
}

const gibibyte = 2 ** 30;
/** Below both, operators are told. */
const lowShare = 0.05;
const lowBytes = 5 * gibibyte;

export interface OperatorNews {
  db: Database;
  settings: Pick<ChatSettingsCache, 'placesFor'>;
  /** Undefined where it cannot be known, such as with an S3 store. */
  readDiskSpace: () => Promise<DiskSpace | undefined>;
  budgets: ModelBudgets;
  now: () => number;
  ringPosts: () => void;
}

/** Owes the operators' channels a notice for each new trouble: once a trouble and channel, however many processes look. */
export async function tellOperators(deps: OperatorNews): Promise<void> {
  const places = deps.settings.placesFor('admin');
  if (places.length === 0) return;
  const [troubles, disk] = await Promise.all([readTroubles(deps.db, deps.budgets), deps.readDiskSpace()]);
  let isNew = false;
  for (const trouble of [...troubles, ...diskTrouble(disk, deps.now())]) {
    for (const place of places) {
      const added = await addPost(deps.db, {
        key: `${trouble.key}:${place.door}:${place.id}`,
        place,
        kind: 'notice',
        text: describeTrouble(trouble),
        ...(trouble.requestId === null ? {} : { requestId: trouble.requestId }),
      });
      isNew ||= added;
    }
  }
  if (isNew) deps.ringPosts();
}

/** Said once a day while it lasts. */
function diskTrouble(disk: DiskSpace | undefined, nowMs: number): Trouble[] {
  if (disk === undefined || disk.free >= lowBytes || disk.free >= disk.total * lowShare) return [];
  const day = new Date(nowMs).toISOString().slice(0, 10);
  const about = `${(disk.free / gibibyte).toFixed(1)} GiB`;
  return [{ key: `disk_full:${day}`, kind: 'disk_full', about, detail: null, requestId: null }];
}
