import { pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { timeOfWriting } from './columns.ts';

/** What operators decided about node packs and classes, on top of the policy that is built in. */
export const policyRules = pgTable(
  'policy_rules',
  {
    /** `pack` or `class`. */
    subject: text('subject').notNull(),
    name: text('name').notNull(),
    /** `allow` or `deny`. */
    decision: text('decision').notNull(),
    reason: text('reason').notNull().default(''),
    /** Who decided: a person's id, or a named caller. */
    decidedBy: text('decided_by').notNull(),
    decidedAt: timeOfWriting('decided_at'),
  },
  (table) => [primaryKey({ columns: [table.subject, table.name] })],
);
