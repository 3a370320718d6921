import { sql } from 'drizzle-orm';
import { boolean, index, jsonb, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { timeOfWriting } from './columns.ts';

/** Workflows that people keep under a name. */
export const savedWorkflows = pgTable(
  'saved_workflows',
  {
    id: uuid('id').primaryKey(),
    /** Its owner. No foreign key: who keeps a workflow need not have asked for anything yet. */
    personId: uuid('person_id').notNull(),
    /** Unique among its owner's, in lower case for looking up. */
    name: text('name').notNull(),
    title: text('title').notNull(),
    /** Whether everybody may use it. */
    shared: boolean('shared').notNull().default(false),
    /** API format or the front end's, as JSON text: seeds reach 2^64-1. */
    workflowText: text('workflow_text').notNull(),
    /** Values that its owner set in place of the workflow's own, by parameter. */
    defaults: jsonb('defaults').$type<Record<string, string | number | boolean>>().notNull().default({}),
    createdAt: timeOfWriting('created_at'),
    updatedAt: timeOfWriting('updated_at'),
  },
  (table) => [
    uniqueIndex('saved_workflows_name').on(table.personId, sql`lower(name)`),
    index('saved_workflows_shared')
      .on(sql`lower(name)`)
      .where(sql`shared`),
  ],
);
