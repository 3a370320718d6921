import {
  boolean,
  date,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { JobInput } from '../../contracts/job.ts';
import type { PendingQuestion } from '../../contracts/request.ts';
import { safeInteger, timeOfWriting } from './columns.ts';

/*
 * The agent's memory. A session is a place where people talk (a channel thread, a chat, a timeline); a run is the agent's
 * work on one request, and its id is the request's. Steps and tool results are only ever added: what is here was paid
 * for, or has happened, and is never done again. Model texts are kept as JSON text and not as jsonb, which cannot hold
 * every character that a model may write and does not keep its order of keys.
 */

/** `run_id` is the run that works in the session now, or the last that did; with `epoch` it fences every write of a run. */
export const agentSessions = pgTable(
  'agent_sessions',
  {
    id: uuid('id').primaryKey(),
    door: text('door').notNull(),
    placeId: text('place_id').notNull(),
    /** Empty where the place has no threads. */
    threadId: text('thread_id').notNull().default(''),
    runId: uuid('run_id').notNull(),
    epoch: integer('epoch').notNull().default(1),
    /** What the agent chose to keep in mind about this conversation. */
    notes: text('notes').notNull().default(''),
    /** The draft that `it` means. */
    draftId: uuid('draft_id'),
    createdAt: timeOfWriting('created_at'),
    updatedAt: timeOfWriting('updated_at'),
  },
  (table) => [uniqueIndex('agent_sessions_place').on(table.door, table.placeId, table.threadId)],
);

/** What was said to the model and what it said. The results of tools stand between two steps, by the ids of their uses. */
export const agentSteps = pgTable(
  'agent_steps',
  {
    runId: uuid('run_id').notNull(),
    seq: integer('seq').notNull(),
    sessionId: uuid('session_id').notNull(),
    /** user: said to the model; reply: its answer; compact: stands for all before it. */
    kind: text('kind').notNull(),
    /** Content blocks as JSON text. */
    content: text('content').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [primaryKey({ columns: [table.runId, table.seq] }), index('agent_steps_created').on(table.createdAt)],
);

/** What a tool answered to one use, committed with all that the use changed. */
export const agentToolResults = pgTable(
  'agent_tool_results',
  {
    runId: uuid('run_id').notNull(),
    /** Of the reply that used the tool. */
    seq: integer('seq').notNull(),
    toolUseId: text('tool_use_id').notNull(),
    tool: text('tool').notNull(),
    isError: boolean('is_error').notNull(),
    /** Content blocks as JSON text; pictures by their hash. */
    content: text('content').notNull(),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.seq, table.toolUseId] }),
    index('agent_tool_results_created').on(table.createdAt),
  ],
);

/** Workflows in the making. A change is a new version; old ones stay, for comparing and going back. */
export const agentDrafts = pgTable(
  'agent_drafts',
  {
    id: uuid('id').notNull(),
    version: integer('version').notNull(),
    sessionId: uuid('session_id').notNull(),
    personId: uuid('person_id').notNull(),
    title: text('title').notNull(),
    /** API format as JSON text: seeds reach 2^64-1. */
    workflowText: text('workflow_text').notNull(),
    /** Files that it reads, by the names that it uses. */
    inputs: jsonb('inputs').$type<JobInput[]>().notNull().default([]),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.version] }),
    index('agent_drafts_session').on(table.sessionId, table.createdAt),
  ],
);

/** What a person wants the agent to remember about them, everywhere. */
export const agentPreferences = pgTable(
  'agent_preferences',
  {
    personId: uuid('person_id').notNull(),
    key: text('key').notNull(),
    value: text('value').notNull(),
    updatedAt: timeOfWriting('updated_at'),
  },
  (table) => [primaryKey({ columns: [table.personId, table.key] })],
);

/** What a run cost, by day (UTC): raised in the statement that keeps the reply which was paid for. */
export const agentUsage = pgTable(
  'agent_usage',
  {
    runId: uuid('run_id').notNull(),
    day: date('day').notNull(),
    personId: uuid('person_id').notNull(),
    model: text('model').notNull(),
    modelCalls: integer('model_calls').notNull().default(0),
    inputTokens: safeInteger('input_tokens').notNull().default(0),
    outputTokens: safeInteger('output_tokens').notNull().default(0),
    cacheReadTokens: safeInteger('cache_read_tokens').notNull().default(0),
    cacheWriteTokens: safeInteger('cache_write_tokens').notNull().default(0),
    /** Millionths of a US dollar. */
    microDollars: safeInteger('micro_dollars').notNull().default(0),
    /** Expected of the jobs that it queued; what they really took is in their rows. */
    plannedGpuSeconds: doublePrecision('planned_gpu_seconds').notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.runId, table.day] }),
    index('agent_usage_person').on(table.personId, table.day),
    index('agent_usage_day').on(table.day),
  ],
);

/** What people answered to the agent's questions: one answer a question, the first. Neither choice nor text: nobody did in time. */
export const agentAnswers = pgTable(
  'agent_answers',
  {
    questionId: uuid('question_id').primaryKey(),
    requestId: uuid('request_id').notNull(),
    personId: uuid('person_id').notNull(),
    /** The question as it stood when it was answered. */
    question: jsonb('question').$type<PendingQuestion>().notNull(),
    /** Id of one of its choices. */
    choice: text('choice'),
    text: text('text'),
    createdAt: timeOfWriting('created_at'),
  },
  (table) => [index('agent_answers_request').on(table.requestId, table.createdAt)],
);
