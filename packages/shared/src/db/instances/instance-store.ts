import { z } from 'zod';
import { uuidSchema } from '../../contracts/identity.ts';
import { liveWorkerStatusSchema } from '../../contracts/live.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/** The lease of a ComfyUI instance: with the epoch as fence, required by every job write and every POST. */
export interface InstanceLease {
  instanceId: string;
  holder: string;
  epoch: number;
}

export interface AcquiredInstance extends InstanceLease {
  /** The WebSocket client id that this instance's prompts are posted under, the same for every holder. */
  clientId: string;
  paused: boolean;
  /** The holder before gave it up in good order. */
  released: boolean;
}

export interface AcquireOptions {
  instanceId: string;
  holder: string;
  leaseMs: number;
  /** Used when the instance is seen for the first time. */
  newClientId: string;
}

/** Takes the lease when it is free, lapsed, or was this holder's own; the epoch rises each time. `undefined`: another holds it. */
export async function acquireInstance(db: Database, options: AcquireOptions): Promise<AcquiredInstance | undefined> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with previous as (select released from instances where id = ${options.instanceId})
    insert into instances (id, client_id, holder, epoch, lease_expires_at)
    values (${options.instanceId}, ${options.newClientId}, ${options.holder}, 1,
      clock_timestamp() + ${options.leaseMs} * interval '1 millisecond')
    on conflict (id) do update set holder = excluded.holder, epoch = instances.epoch + 1, seen_at = now(),
      lease_expires_at = excluded.lease_expires_at, released = false
    where instances.lease_expires_at < clock_timestamp() or instances.holder = excluded.holder
    returning epoch, client_id, paused, coalesce((select released from previous), false) as released`,
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    instanceId: options.instanceId,
    holder: options.holder,
    epoch: z.int().parse(row['epoch']),
    clientId: uuidSchema.parse(row['clientId']),
    paused: z.boolean().parse(row['paused']),
    released: z.boolean().parse(row['released']),
  };
}

/**
 * The heartbeat: extends the instance lease and the leases of all its jobs in one statement. `lost`: it lapsed or was
 * taken, so stop writing and posting, and acquire it anew.
 */
export async function renewInstance(
  db: Database,
  lease: InstanceLease,
  leaseMs: number,
): Promise<{ outcome: 'renewed'; paused: boolean; cancelledJobIds: string[] } | { outcome: 'lost' }> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with beat as (
      update instances set lease_expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond', seen_at = now()
      where id = ${lease.instanceId} and holder = ${lease.holder} and epoch = ${lease.epoch}
        and lease_expires_at > clock_timestamp()
      returning id, epoch, paused, lease_expires_at
    ), locked as (
      -- In the order in which everybody locks several, so that a beat and a cancel never wait for each other.
      select j.id, beat.lease_expires_at from jobs j join beat on j.instance_id = beat.id and j.instance_epoch = beat.epoch
      where j.state in ('leased', 'posting', 'posted', 'running', 'storing', 'withdrawing')
      order by j.id for no key update of j
    ), held as (
      update jobs j set lease_expires_at = locked.lease_expires_at from locked where j.id = locked.id
      returning j.id, j.cancel_requested_at
    )
    select beat.paused, coalesce((select array_agg(id) from held where cancel_requested_at is not null), '{}') as cancelled
    from beat`,
  );
  const row = rows[0];
  if (row === undefined) return { outcome: 'lost' };
  return {
    outcome: 'renewed',
    paused: z.boolean().parse(row['paused']),
    cancelledJobIds: z.array(uuidSchema).parse(row['cancelled']),
  };
}

/** Gives the lease up at once, at an ordered end. */
export async function releaseInstance(db: Database, lease: InstanceLease): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update instances set lease_expires_at = clock_timestamp(), released = true where id = ${lease.instanceId}
      and holder = ${lease.holder} and epoch = ${lease.epoch}`,
  );
}

export async function setInstancePaused(db: Database, instanceId: string, paused: boolean): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`update instances set paused = ${paused} where id = ${instanceId} returning id`,
  );
  return rows.length > 0;
}

export interface InstanceReport {
  status?: z.infer<typeof liveWorkerStatusSchema>;
  /** The registry's bytes as an asset, the node classes in it, and the model files that its loaders list, as `folder/name`. */
  registry?: { hash: string; classes: string[]; models?: string[] };
}

/** Writes what the holder learned about its ComfyUI. */
export async function reportInstance(db: Database, lease: InstanceLease, report: InstanceReport): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update instances set seen_at = now()
      ${report.status === undefined ? db.sql`` : db.sql`, status = ${db.sql.json(report.status)}`}
      ${report.registry === undefined ? db.sql`` : db.sql`, registry_hash = ${report.registry.hash}, classes = ${report.registry.classes}, models = ${report.registry.models ?? null}`}
    where id = ${lease.instanceId} and holder = ${lease.holder} and epoch = ${lease.epoch}`,
  );
}

const instanceRecordSchema = z.object({
  id: z.string(),
  epoch: z.int(),
  /** Somebody holds its lease. */
  alive: z.boolean(),
  paused: z.boolean(),
  status: liveWorkerStatusSchema.nullable().catch(null),
  registryHash: z.string().nullable(),
  residentKey: z.string().nullable(),
  /** People whose jobs it runs, nobody else's; null: everybody's. */
  reservedFor: z.array(uuidSchema).nullable(),
  seenAt: z.date(),
});
export type InstanceRecord = z.infer<typeof instanceRecordSchema>;

/** Every ComfyUI that was ever served, those with a living worker first. */
export async function readInstances(db: Database): Promise<InstanceRecord[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select id, epoch, lease_expires_at > clock_timestamp() as alive, paused, nullif(status, '{}'::jsonb) as status,
      registry_hash, resident_key, reserved_for, seen_at
    from instances order by alive desc, id`,
  );
  return rows.map((row) => instanceRecordSchema.parse(row));
}

/** What a registry offers: node classes, and model files as `folder/name` (null where its worker did not say). */
export interface RegistryOffer {
  registryHash: string;
  classes: string[];
  models: string[] | null;
}

const registryOfferSchema = z.object({
  registryHash: z.string(),
  classes: z.array(z.string()),
  models: z.array(z.string()).nullable(),
});

/** What these registries offer: read once each and kept, since it is long and its hash says when it changes. */
export async function readRegistryOffers(db: Database, hashes: readonly string[]): Promise<RegistryOffer[]> {
  if (hashes.length === 0) return [];
  const rows = await withDatabaseErrors(
    () => db.sql`
    select distinct on (registry_hash) registry_hash, classes, models from instances
    where registry_hash = any(${hashes as string[]}::text[]) and classes is not null
    order by registry_hash, models is null`,
  );
  return rows.map((row) => registryOfferSchema.parse(row));
}
