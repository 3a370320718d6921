import { z } from 'zod';
import { withDatabaseErrors } from '../database-error.ts';
import type { Database } from '../connect-database.ts';
import { auditedIn } from '../operators/admin-audit.ts';

/** What an operator decided about a node pack or class; see `applyPolicyRules` of the policy. */
export const policyRuleSchema = z.object({
  subject: z.enum(['pack', 'class']),
  name: z.string().min(1).max(200),
  decision: z.enum(['allow', 'deny']),
  /** Why, as a clause: "it fetches addresses". */
  reason: z.string().max(500).default(''),
});
export type StoredPolicyRule = z.infer<typeof policyRuleSchema>;

const decidedRuleSchema = policyRuleSchema.extend({ decidedBy: z.string(), decidedAt: z.date() });
export type DecidedPolicyRule = z.infer<typeof decidedRuleSchema>;

export async function readPolicyRules(db: Pick<Database, 'sql'>): Promise<DecidedPolicyRule[]> {
  const rows = await withDatabaseErrors(
    () => db.sql`
    select subject, name, decision, reason, decided_by, decided_at from policy_rules order by subject desc, name`,
  );
  return rows.map((row) => decidedRuleSchema.parse(row));
}

/**
 * Puts these rules in the place of all that there were, in one statement; those that stay as they were keep who decided them
 * and when.
 */
export async function replacePolicyRules(
  db: Pick<Database, 'sql'>,
  change: { actor: string; rules: readonly StoredPolicyRule[] },
): Promise<void> {
  const { actor, rules } = change;
  const words = rules.map(({ subject, name, decision }) => `${decision} ${subject} ${name}`);
  await withDatabaseErrors(
    () => db.sql`
    with wanted as (
      select distinct on (subject, name) subject, name, decision, reason from jsonb_to_recordset(${db.sql.json([...rules])})
        as rule(subject text, name text, decision text, reason text)
      order by subject, name
    ), gone as (
      delete from policy_rules old where not exists (
        select from wanted where wanted.subject = old.subject and wanted.name = old.name)
    ), written as (
      insert into policy_rules as old (subject, name, decision, reason, decided_by)
      select subject, name, decision, reason, ${actor} from wanted
      on conflict (subject, name) do update set decision = excluded.decision, reason = excluded.reason,
        decided_by = excluded.decided_by, decided_at = now()
        where (old.decision, old.reason) is distinct from (excluded.decision, excluded.reason)
    ), once as (select 1)
    ${auditedIn(db, { actor, action: 'set_policy', target: 'policy', details: { rules: words } }, 'once')}`,
  );
}

/** Decides about one pack or class, whatever was decided about it before, and leaves the other rules as they are. */
export async function setPolicyRule(
  db: Pick<Database, 'sql'>,
  change: { actor: string; rule: StoredPolicyRule },
): Promise<void> {
  const { actor } = change;
  const { subject, name, decision, reason } = policyRuleSchema.parse(change.rule);
  await withDatabaseErrors(
    () => db.sql`
    with changed as (
      insert into policy_rules (subject, name, decision, reason, decided_by)
      values (${subject}, ${name}, ${decision}, ${reason}, ${actor})
      on conflict (subject, name) do update set decision = excluded.decision, reason = excluded.reason,
        decided_by = excluded.decided_by, decided_at = now()
      returning name
    )
    ${auditedIn(db, { actor, action: 'set_policy', target: `${subject}:${name}`, details: { decision, reason } }, 'changed')}`,
  );
}

/** Takes a decision back: the policy that is built in counts again. False: there was none. */
export async function clearPolicyRule(
  db: Pick<Database, 'sql'>,
  change: { actor: string; rule: Pick<StoredPolicyRule, 'subject' | 'name'> },
): Promise<boolean> {
  const { actor, rule } = change;
  const { subject, name } = rule;
  const entry = { actor, action: 'set_policy', target: `${subject}:${name}`, details: { decision: null } } as const;
  const rows = await withDatabaseErrors(
    () => db.sql`
    with changed as (
      delete from policy_rules where subject = ${subject} and name = ${name} returning name
    ), audited as (
      ${auditedIn(db, entry, 'changed')}
    )
    select name from changed`,
  );
  return rows.length > 0;
}
