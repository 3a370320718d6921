import type { Logger } from 'pino';
import type { Database } from '@atelier/shared/db/connect-database';
import { archiveRequests } from '@atelier/shared/db/retention/archive-file';
import { expireHistory, type RetentionRules } from '@atelier/shared/db/retention/expire-history';

export interface Retention {
  rules: RetentionRules;
  /** Folder that expired requests are written to before they are deleted; absent: they are only deleted. */
  archiveFolder?: string | undefined;
}

/** Transactions of one run: the rest waits for the next, so that a long backlog holds up nothing else. */
const maxBatches = 100;

/** Deletes finished requests past their time, batch after batch. Without rules everything is kept. */
export async function expireOldHistory(db: Database, retention: Retention | undefined, log: Logger): Promise<void> {
  if (retention === undefined) return;
  const { rules, archiveFolder } = retention;
  const archive: Parameters<typeof expireHistory>[2] =
    archiveFolder === undefined ? undefined : (requests) => archiveRequests(archiveFolder, requests, new Date());
  let expired = 0;
  for (let batches = 0; batches < maxBatches; batches += 1) {
    const deleted = await expireHistory(db, rules, archive);
    expired += deleted;
    if (deleted < rules.batch) break;
  }
  if (expired > 0) log.info({ requests: expired }, 'old requests deleted');
}
