import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

export interface LeadershipClaim {
  /** What is led: at most one holder a name. */
  name: string;
  /** This process, as a UUID. */
  holder: string;
  leaseMs: number;
}

/**
 * Takes the lead where nobody has it, or keeps it, for `leaseMs` from now by the database's clock.
 *
 * @returns whether this holder leads.
 */
export async function claimLeadership(db: Database, claim: LeadershipClaim): Promise<boolean> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    insert into leaderships (name, holder, expires_at)
    values (${claim.name}, ${claim.holder}, clock_timestamp() + ${claim.leaseMs} * interval '1 millisecond')
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at,
      epoch = leaderships.epoch + case when leaderships.holder = excluded.holder then 0 else 1 end
    where leaderships.holder = excluded.holder or leaderships.expires_at < clock_timestamp()
    returning name`,
  );
  return rows.length > 0;
}

/** Gives the lead back, so that the next need not wait for the end of the lease. */
export async function releaseLeadership(
  db: Database,
  { name, holder }: Pick<LeadershipClaim, 'name' | 'holder'>,
): Promise<void> {
  await withDatabaseErrors(() => db.sql`delete from leaderships where name = ${name} and holder = ${holder}`);
}
