import { z } from 'zod';
import type { Database, SqlFragment } from '../connect-database.ts';
import { withDatabaseErrors } from '../database-error.ts';

/** What operators do. */
const adminActionSchema = z.enum([
  'set_priority',
  'pause_instance',
  'resume_instance',
  'free_memory',
  'reserve_instance',
  'set_quota',
  'set_weight',
  'cancel_request',
  'allow',
  'deny',
  'clear_rule',
  'set_limits',
  'set_channel',
  'set_house_style',
  'set_policy',
  'create_token',
  'revoke_token',
]);
export type AdminAction = z.infer<typeof adminActionSchema>;

export interface AuditEntry {
  /** Who: a person's id, or a named caller such as `gateway`. */
  actor: string;
  action: AdminAction;
  /** Id of what it is done to. */
  target: string;
  details?: Record<string, string | number | boolean | null | string[]>;
}

/**
 * An insert into the audit, for a table expression of the statement that does it: so nothing is done without a trace, and
 * nothing is traced that was not done.
 *
 * @param done table expression whose first row says that something was done.
 */
export function auditedIn(db: Pick<Database, 'sql'>, entry: AuditEntry, done: string): SqlFragment {
  return db.sql`
    insert into admin_audit (actor, action, target, details)
    select ${entry.actor}, ${entry.action}, ${entry.target}, ${db.sql.json(entry.details ?? {})} from ${db.sql(done)} limit 1`;
}

/** Notes what was done elsewhere, such as by a command to a worker. */
export async function recordAdminAction(db: Pick<Database, 'sql'>, entry: AuditEntry): Promise<void> {
  await withDatabaseErrors(
    () => db.sql`
    insert into admin_audit (actor, action, target, details)
    values (${entry.actor}, ${entry.action}, ${entry.target}, ${db.sql.json(entry.details ?? {})})`,
  );
}

const auditRecordSchema = z.object({
  seq: z.coerce.number(),
  actor: z.string(),
  action: adminActionSchema,
  target: z.string(),
  details: z.record(z.string(), z.unknown()),
  at: z.date(),
});
export type AuditRecord = z.infer<typeof auditRecordSchema>;

/** What was done last, newest first. */
export async function readAdminAudit(
  db: Pick<Database, 'sql'>,
  query: { limit: number; target?: string },
): Promise<AuditRecord[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select seq, actor, action, target, details, at from admin_audit
    ${query.target === undefined ? db.sql`` : db.sql`where target = ${query.target}`}
    order by seq desc limit ${query.limit}`,
  );
  return rows.map((row) => auditRecordSchema.parse(row));
}
