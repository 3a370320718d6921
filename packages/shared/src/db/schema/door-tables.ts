import { sql } from 'drizzle-orm';
import { bigserial, index, integer, pgTable, primaryKey, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { bytea, time, timeOfWriting } from './columns.ts';

/** A prompt that came through the ComfyUI-compatible door: what ComfyUI would keep of it beside the workflow itself. */
export const doorPrompts = pgTable(
  'door_prompts',
  {
    requestId: uuid('request_id').primaryKey(),
    personId: uuid('person_id').notNull(),
    /** As the client named it, or as it was told. */
    promptId: text('prompt_id').notNull(),
    /** ComfyUI's running number. */
    number: bigserial('number', { mode: 'number' }).notNull(),
    clientId: text('client_id'),
    /** JSON text: the front end puts whole workflows there, with integers that JSON.parse would change. */
    extraDataText: text('extra_data_text').notNull(),
    /** Ids of the output nodes that run. */
    outputs: text('outputs').array().notNull(),
    createdAt: timeOfWriting('created_at'),
    /** Its person took it out of the history. */
    hiddenAt: time('hidden_at'),
  },
  (table) => [
    uniqueIndex('door_prompts_prompt').on(table.personId, table.promptId),
    index('door_prompts_shown')
      .on(table.personId, table.number)
      .where(sql`hidden_at is null`),
  ],
);

/** What the front end keeps of a person: settings, workflows, user.css. */
export const doorFiles = pgTable(
  'door_files',
  {
    personId: uuid('person_id').notNull(),
    /** `workflows/fox.json` */
    path: text('path').notNull(),
    content: bytea('content').notNull(),
    bytes: integer('bytes').notNull(),
    createdAt: timeOfWriting('created_at'),
    modifiedAt: timeOfWriting('modified_at'),
  },
  (table) => [primaryKey({ columns: [table.personId, table.path] })],
);
