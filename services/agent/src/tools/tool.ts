import { z } from 'zod';
import type { Language, Place } from '@atelier/shared/contracts/identity';
import type { AssetRef, PendingQuestion, RequestBody, RequestCost, SourceRef } from '@atelier/shared/contracts/request';
import type { ToolEffects } from '@atelier/shared/db/agent/commit-tool-result';
import type { JobWithOutputs } from '@atelier/shared/db/jobs/job-row';
import type { AnsweredQuestion } from '@atelier/shared/db/requests/ask-question';
import type { Catalog } from '../core/catalog.ts';
import type { PlanOutcome } from '../core/plan-request.ts';
import type { RunBudgets } from '../loop/budgets.ts';
import type { ToolSchema } from '../loop/model-port.ts';
import type { SaidBlock } from '../loop/step.ts';
import type { ToolReads } from './tool-reads.ts';

/** Who asks and where: from the envelope, never from arguments. */
export interface Requester {
  personId: string;
  personName: string;
  language: Language;
  place: Place;
  /** Nobody but them hears what is said: what is private to them may be spoken of. */
  isHeardAlone: boolean;
  sessionId: string;
}

/** When a plan is shown before it costs GPU time. */
export interface ApprovalRule {
  when: 'always' | 'above_cost' | 'never';
  /** For `above_cost`. */
  gpuSeconds: number;
}

/** What a tool may know and do. It reads by itself and changes nothing: what it wants changed it returns. */
export interface ToolContext {
  requester: Requester;
  /** The request that the run works on; absent for a call from another door. */
  request: { id: string; attachments: readonly AssetRef[]; about: readonly SourceRef[] } | undefined;
  catalog: Catalog;
  reads: ToolReads;
  /** Decides what a body becomes: see `planRequest`. Job ids are derived from `id`. */
  planBody: (body: RequestBody, id: string) => Promise<PlanOutcome>;
  /** An id that is the same whenever this use is repeated. */
  idOf: (name: string) => string;
  /** What the person has answered in this run. */
  answers: readonly AnsweredQuestion[];
  /** The jobs of this run. */
  jobs: readonly JobWithOutputs[];
  /** What this run has cost so far, and what it may; absent for a call from another door. */
  spent: { cost: RequestCost; budgets: RunBudgets } | undefined;
  approval: ApprovalRule;
  /** GPU seconds that the run may still plan; Infinity where nothing limits it. */
  gpuSecondsLeft: number;
  /** Why nothing more may be run after failures; absent: it may. */
  noRepair: string | undefined;
  random: () => number;
  now: Date;
}

/** What came of a use. */
export type ToolOutcome =
  | {
      kind: 'result';
      content: string | SaidBlock[];
      isError?: boolean;
      effects?: ToolEffects;
      /** Jobs whose end it tells. */
      jobIds?: string[];
    }
  /** The person is asked first; with the answer the use is repeated. */
  | { kind: 'ask'; question: PendingQuestion }
  /** The run's jobs are waited for; then the use is repeated. */
  | { kind: 'wait' }
  /** The person wants no more of it. */
  | { kind: 'stop' };

export interface AgentTool<Schema extends z.ZodType = z.ZodType> {
  name: string;
  /** For the model: short, since it is read in every call. */
  description: string;
  input: Schema;
  /** It changes nothing: several may run at a time. */
  readOnly: boolean;
  /** Whether other doors may call it. */
  forDoors: boolean;
  timeoutMs: number;
  execute(input: z.infer<Schema>, context: ToolContext, signal: AbortSignal): Promise<ToolOutcome>;
}

/** Keeps the schema's type inside the tool. */
export function defineTool<Schema extends z.ZodType>(tool: AgentTool<Schema>): AgentTool {
  return tool;
}

/** The tool as the model sees it. */
export function toolSchemaOf(tool: AgentTool): ToolSchema {
  return { name: tool.name, description: tool.description, inputSchema: jsonSchemaOf(tool.input) };
}

function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return withoutBounds(rest) as Record<string, unknown>;
}

/** Bounds cost tokens in every call and are checked on receipt, with a sentence that names them. */
function withoutBounds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutBounds);
  if (typeof value !== 'object' || value === null) return value;
  const dropped = new Set([
    'minimum',
    'maximum',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'pattern',
    'propertyNames',
  ]);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, entry]) =>
      dropped.has(key) && typeof entry !== 'object' ? [] : key === 'propertyNames' ? [] : [[key, withoutBounds(entry)]],
    ),
  );
}

/** A failure that the model can mend: a sentence that says what to change. */
export function refuse(message: string): ToolOutcome {
  return { kind: 'result', content: message, isError: true };
}

/** The first of a list, with how many there are more. */
export function capped(lines: readonly string[], limit: number): string {
  const more = lines.length - limit;
  return [...lines.slice(0, limit), ...(more > 0 ? [`… ${more} more`] : [])].join('\n');
}
