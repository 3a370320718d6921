import type { Database, SqlFragment } from '../connect-database.ts';
import type { InstanceLease } from '../instances/instance-store.ts';

/**
 * What a worker must hold to change a job: the job's epoch, raised at every pick and takeover, and the lease of the
 * ComfyUI instance that the job is bound to. Both run out by the database's clock.
 */
export interface JobLease {
  jobId: string;
  epoch: number;
  instance: InstanceLease;
}

/** The condition that both leases are still held, for a statement whose target is `jobs j`. */
export function leaseHeld(db: Pick<Database, 'sql'>, lease: JobLease): SqlFragment {
  return db.sql`
    j.id = ${lease.jobId} and j.epoch = ${lease.epoch} and j.instance_id = ${lease.instance.instanceId}
    and j.instance_epoch = ${lease.instance.epoch} and j.lease_expires_at > clock_timestamp()
    and exists (
      select from instances i where i.id = ${lease.instance.instanceId} and i.holder = ${lease.instance.holder}
        and i.epoch = ${lease.instance.epoch} and i.lease_expires_at > clock_timestamp()
    )`;
}
