import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';

/** What a call without a chat around it must obey of the rules of the chats. */
export interface SubmissionRules {
  /** The commands that a person is denied under any of their identities, by their id; `*` is all. */
  denied: ReadonlyMap<string, ReadonlySet<string>>;
  /** Words that are drawn for nobody. */
  blockedWords: readonly string[];
}

const rowSchema = z.object({
  denials: z.array(z.object({ personId: z.string(), command: z.string() })),
  words: z.array(z.string()).catch([]),
});

/** Rules of roles, channels and servers say nothing of a call from elsewhere, and are left out. */
export async function readSubmissionRules(db: Pick<Database, 'sql'>): Promise<SubmissionRules> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('personId', i.person_id, 'command', r.command)), '[]')
        from access_rules r join identities i on i.door = r.door and i.platform_id = r.subject
        where r.scope = 'person' and r.effect = 'deny') as denials,
      (select value from chat_limits where key = 'blockedWords') as words`,
  );
  const { denials, words } = rowSchema.parse(rows[0]);
  const denied = new Map<string, Set<string>>();
  for (const { personId, command } of denials) {
    denied.set(personId, (denied.get(personId) ?? new Set()).add(command));
  }
  return { denied, blockedWords: words };
}
