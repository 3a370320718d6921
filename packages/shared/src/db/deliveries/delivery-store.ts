import { z } from 'zod';
import { doorSchema, placeSchema, uuidSchema, type Door } from '../../contracts/identity.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { ofServerPart, type ServerPart } from './server-part.ts';

const deliveryKindSchema = z.enum(['card', 'result', 'ping', 'question']);
export type DeliveryKind = z.infer<typeof deliveryKindSchema>;

/**
 * A message owed, as its adapter works on it. States: pending -> sending -> sent | failed.
 *
 * Claiming moves it to `sending` with the time of the first try stored, before anything is sent. `triedBefore` says
 * that an earlier holder may have sent it and died: look for it on the platform before sending again.
 */
const claimedDeliverySchema = z.object({
  id: uuidSchema,
  requestId: uuidSchema,
  door: doorSchema,
  place: placeSchema,
  kind: deliveryKindSchema,
  epoch: z.int(),
  attempts: z.int(),
  triedBefore: z.boolean(),
  /** First try. */
  sendingAt: z.date(),
  /** Where the request's placeholder stands on the platform, if it was sent. */
  cardRef: z.record(z.string(), z.unknown()).nullable(),
});
export type ClaimedDelivery = z.infer<typeof claimedDeliverySchema>;

export interface DeliveryClaim {
  doors: readonly Door[];
  holder: string;
  leaseMs: number;
  limit: number;
  /** A chat's messages go out one after the other, oldest first; one that failed again and again holds up nobody. */
  inOrder?: boolean;
  /** Only what goes to these servers; all without it. */
  part?: ServerPart | undefined;
}

/** Tries after which a message no longer holds up those after it in its chat. */
const maxHoldingTries = 5;

/**
 * Takes what is to be sent through these doors: free, or left by a holder whose lease lapsed. A result and a call to answer
 * a question wait until their placeholder was sent (or given up), the ping until all else was; so each request's messages go
 * out in order.
 */
export async function claimDeliveries(db: Database, claim: DeliveryClaim): Promise<ClaimedDelivery[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with free as (
      select d.id, d.state from deliveries d
      where d.state in ('pending', 'sending') and d.door = any(${claim.doors as string[]})
        and (d.lease_expires_at is null or d.lease_expires_at < clock_timestamp())
        and (d.not_before is null or d.not_before <= clock_timestamp())
        and ${ofServerPart(db, claim.part)}
        and not exists (
          select from deliveries earlier where earlier.request_id = d.request_id
            and earlier.state in ('pending', 'sending')
            and ((d.kind in ('result', 'question') and earlier.kind = 'card') or (d.kind = 'ping' and earlier.kind <> 'ping'))
        )
        ${claim.inOrder === true ? firstOfItsChat(db) : db.sql``}
      order by d.created_at limit ${claim.limit} for update of d skip locked
    )
    update deliveries d set state = 'sending', holder = ${claim.holder}, epoch = d.epoch + 1,
      attempts = d.attempts + 1, sending_at = coalesce(d.sending_at, now()),
      lease_expires_at = clock_timestamp() + ${claim.leaseMs} * interval '1 millisecond'
    from free where d.id = free.id
    returning d.id, d.request_id, d.door, d.place, d.kind, d.epoch, d.attempts, free.state = 'sending' as tried_before,
      d.sending_at, (select c.message_ref from deliveries c where c.request_id = d.request_id and c.kind = 'card'
        and c.state = 'sent') as card_ref`,
  );
  return rows.map((row) => claimedDeliverySchema.parse(row));
}

function firstOfItsChat(db: Database) {
  return db.sql`and not exists (
    select from deliveries before where before.door = d.door and before.place->>'id' = d.place->>'id'
      and before.state in ('pending', 'sending') and before.attempts < ${maxHoldingTries}
      and (before.created_at, before.id) < (d.created_at, d.id)
  )`;
}

export interface DeliveryLease {
  id: string;
  epoch: number;
}

/** Extends the lease while a slow platform is being sent to. */
export async function renewDelivery(db: Database, lease: DeliveryLease, leaseMs: number): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update deliveries set lease_expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
    where id = ${lease.id} and epoch = ${lease.epoch} and state = 'sending'`,
  );
}

/** sending -> sent, with where it stands now. False: another holder has it. */
export async function markDelivered(
  db: Database,
  lease: DeliveryLease,
  messageRef: Record<string, string | number | boolean | null | string[]>,
): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update deliveries set state = 'sent', sent_at = now(), message_ref = ${db.sql.json(messageRef)}, error = null,
      lease_expires_at = null
    where id = ${lease.id} and epoch = ${lease.epoch} and state = 'sending' returning id`,
  );
  return rows.length > 0;
}

/**
 * Gives it back for a later try. `certainlyNotSent` (the platform refused, or was never reached) makes it pending
 * again; otherwise it stays in `sending`, so that the next holder looks first.
 */
export async function postponeDelivery(
  db: Database,
  lease: DeliveryLease,
  options: { afterMs: number; error: string; certainlyNotSent: boolean },
): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update deliveries set state = ${options.certainlyNotSent ? 'pending' : 'sending'}, error = ${options.error},
      lease_expires_at = null, not_before = clock_timestamp() + ${options.afterMs} * interval '1 millisecond'
    where id = ${lease.id} and epoch = ${lease.epoch} and state = 'sending'`,
  );
}

/** sending -> failed: nobody can be told there any more. The request itself keeps its result. */
export async function failDelivery(db: Database, lease: DeliveryLease, error: string): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    update deliveries set state = 'failed', error = ${error}, lease_expires_at = null
    where id = ${lease.id} and epoch = ${lease.epoch} and state = 'sending'`,
  );
}

/** Where a request's placeholder stands, and where its result does. */
export async function readMessageRefs(
  db: Database,
  requestId: string,
): Promise<Partial<Record<DeliveryKind, Record<string, unknown>>>> {
  const rows = await withDatabaseErrors(
    () => db.sql`select kind, message_ref from deliveries where request_id = ${requestId} and state = 'sent'`,
  );
  return Object.fromEntries(
    rows.map((row) => [
      deliveryKindSchema.parse(row['kind']),
      z.record(z.string(), z.unknown()).parse(row['messageRef']),
    ]),
  );
}

/** The page's way of sending: writes the post and marks the delivery sent, in one statement, once whatever is repeated. */
export async function deliverToWeb(db: Database, delivery: ClaimedDelivery): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    with held as (
      update deliveries set state = 'sent', sent_at = now(), lease_expires_at = null, message_ref = '{"web": true}'
      where id = ${delivery.id} and epoch = ${delivery.epoch} and state = 'sending'
      returning id, request_id, place, kind
    )
    insert into web_posts (delivery_id, request_id, place_id, kind)
    select id, request_id, place->>'id', kind from held
    on conflict (delivery_id) do nothing
    returning seq`,
  );
  return rows.length > 0;
}
