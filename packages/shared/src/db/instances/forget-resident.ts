import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import type { InstanceLease } from './instance-store.ts';

/**
 * What the GPU holds is not known any more: ComfyUI was restarted, its memory was freed, or somebody else's prompt ran.
 * A statement of its own, which locks this one row and nothing beside it: in one that also locks a job it would wait for
 * the heartbeat, which locks the two the other way round.
 */
export async function forgetResident(db: Database, lease: InstanceLease): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update instances set resident_key = null where id = ${lease.instanceId} and holder = ${lease.holder}
      and epoch = ${lease.epoch} and resident_key is not null`,
  );
}
