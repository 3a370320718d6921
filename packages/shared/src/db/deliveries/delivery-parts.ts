import { z } from 'zod';
import type { Database } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';
import type { DeliveryLease } from './delivery-store.ts';

/**
 * Notes what a delivery of several messages has sent so far, for platforms that cannot be asked: who takes it over goes
 * on after it. False: another holder has it.
 */
export async function recordDeliveryParts(
  db: Database,
  lease: DeliveryLease,
  parts: Record<string, string | number | boolean | null | string[]>,
): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    update deliveries set message_ref = ${db.sql.json(parts)}
    where id = ${lease.id} and epoch = ${lease.epoch} and state = 'sending' returning id`,
  );
  return rows.length > 0;
}

/** What earlier tries noted; undefined where they noted nothing. */
export async function readDeliveryParts(
  db: Database,
  deliveryId: string,
): Promise<Record<string, unknown> | undefined> {
  const rows = await withDatabaseErrors(() => db.sql`select message_ref from deliveries where id = ${deliveryId}`);
  return z.record(z.string(), z.unknown()).safeParse(rows[0]?.['messageRef']).data;
}
