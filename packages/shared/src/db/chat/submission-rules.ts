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

/** Whether a person may not use a command, wherever they ask. */
export function isDenied({ denied }: Pick<SubmissionRules, 'denied'>, personId: string, command: string): boolean {
  const commands = denied.get(personId);
  return commands?.has('*') === true || commands?.has(command) === true;
}

/**
 * Rules of roles, channels and servers say nothing of a call from elsewhere, and are left out. Operators are bound by no rule
 * of who may do what, here as in the chats.
 *
 * @param operators as `door:id`; whoever is linked to one of these is one.
 */
export async function readSubmissionRules(
  db: Pick<Database, 'sql'>,
  operators: readonly string[],
): Promise<SubmissionRules> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select
      (select coalesce(jsonb_agg(jsonb_build_object('personId', i.person_id, 'command', r.command)), '[]')
        from access_rules r join identities i on i.door = r.door and i.platform_id = r.subject
        where r.scope = 'person' and r.effect = 'deny' and not exists (
          select from identities o
          where o.person_id = i.person_id and o.door || ':' || o.platform_id = any(${[...operators]}::text[])
        )) as denials,
      (select value from chat_limits where key = 'blockedWords') as words`,
  );
  const { denials, words } = rowSchema.parse(rows[0]);
  const denied = new Map<string, Set<string>>();
  for (const { personId, command } of denials) {
    denied.set(personId, (denied.get(personId) ?? new Set()).add(command));
  }
  return { denied, blockedWords: words };
}
