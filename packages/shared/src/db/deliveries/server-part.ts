import type { Door } from '../../contracts/identity.ts';
import type { Database, SqlFragment } from '../connect-database.ts';

/** The part of a platform's servers that a process answers for; places outside of every server belong to part 0. */
export interface ServerPart {
  door: Door;
  count: number;
  /** From 0, below `count`. */
  ids: readonly number[];
}

/**
 * A condition on a row with `door` and `place`: it is of this part. By Discord's rule, `(guild_id >> 22) % count`:
 * https://discord.com/developers/docs/events/gateway#sharding
 */
export function ofServerPart(db: Pick<Database, 'sql'>, part: ServerPart | undefined): SqlFragment {
  if (part === undefined) return db.sql`true`;
  // In this order, because a cast of what is no number would fail the whole claim.
  return db.sql`case when door <> ${part.door} then true
    when place->>'guildId' ~ '^[0-9]+$' then
      mod(div((place->>'guildId')::numeric, 4194304), ${part.count}::int)::int = any(${[...part.ids]}::int[])
    else 0 = any(${[...part.ids]}::int[]) end`;
}
