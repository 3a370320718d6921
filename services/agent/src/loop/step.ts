import { z } from 'zod';

/** A block of what is said to the model. Pictures are kept by their hash and read when they are sent. */
const saidBlockSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('image'), hash: z.string(), mediaType: z.string() }),
]);
export type SaidBlock = z.infer<typeof saidBlockSchema>;

/** A block of a reply. What is neither text nor a tool use, such as thinking, is kept and given back as it came. */
const replyBlockSchema = z.looseObject({ type: z.string() });
export type ReplyBlock = z.infer<typeof replyBlockSchema>;

const toolUseSchema = z.looseObject({
  type: z.literal('tool_use'),
  id: z.string().min(1),
  name: z.string(),
  input: z.unknown(),
});
/** A tool that a reply wants used. */
export interface ToolUse {
  id: string;
  name: string;
  input: unknown;
}

/** Why something was said to the model in the middle of a run. */
const causeSchema = z.strictObject({
  /** message: what the person said; failure: jobs ended without success; vision: a look at the result. */
  kind: z.enum(['message', 'failure', 'vision']),
  /** Jobs whose end the model is told by it. */
  jobIds: z.array(z.string()),
});
export type StepCause = z.infer<typeof causeSchema>;

export interface UserStep {
  kind: 'user';
  seq: number;
  content: SaidBlock[];
  cause: StepCause;
}

export interface ReplyStep {
  kind: 'reply';
  seq: number;
  content: ReplyBlock[];
  stopReason: string;
  /** Tokens that the model read for it: how long the conversation is by its own count. */
  contextTokens: number;
}

/** Stands for all steps before it, so that a long run stays within bounds. */
export interface CompactStep {
  kind: 'compact';
  seq: number;
  content: SaidBlock[];
}

/** One step of a run. Steps are only ever added. */
export type RunStep = UserStep | ReplyStep | CompactStep;

/** The place of the next step. */
export function nextSeq(steps: readonly RunStep[]): number {
  return (steps.at(-1)?.seq ?? -1) + 1;
}

/** What a tool answered to one use in the reply `seq`. */
export interface ToolResult {
  seq: number;
  toolUseId: string;
  tool: string;
  isError: boolean;
  content: SaidBlock[];
  /** Jobs whose end the model is told by it. */
  jobIds: string[];
}

const storedUserSchema = z.strictObject({ content: z.array(saidBlockSchema), cause: causeSchema });
const storedReplySchema = z.strictObject({
  content: z.array(replyBlockSchema),
  stopReason: z.string(),
  contextTokens: z.number(),
});
const storedCompactSchema = z.strictObject({ content: z.array(saidBlockSchema) });
const storedResultSchema = z.strictObject({ content: z.array(saidBlockSchema), jobIds: z.array(z.string()) });

/** A step's content as it is stored: JSON text. */
export function writeStep(step: RunStep): { seq: number; kind: RunStep['kind']; content: string } {
  const { seq, kind, ...rest } = step;
  return { seq, kind, content: JSON.stringify(rest) };
}

/** @throws ZodError for what is no step of ours. */
export function parseStep(row: { seq: number; kind: RunStep['kind']; content: string }): RunStep {
  const { seq } = row;
  const value: unknown = JSON.parse(row.content);
  switch (row.kind) {
    case 'user':
      return { kind: 'user', seq, ...storedUserSchema.parse(value) };
    case 'reply':
      return { kind: 'reply', seq, ...storedReplySchema.parse(value) };
    case 'compact':
      break;
  }
  return { kind: 'compact', seq, ...storedCompactSchema.parse(value) };
}

export function writeToolResult(result: ToolResult): string {
  return JSON.stringify({ content: result.content, jobIds: result.jobIds });
}

/** @throws ZodError for what is no result of ours. */
export function parseToolResult(row: Omit<ToolResult, 'content' | 'jobIds'> & { content: string }): ToolResult {
  return { ...row, ...storedResultSchema.parse(JSON.parse(row.content)) };
}

/** The tools that a reply wants used, in its order. */
export function toolUsesOf(content: readonly ReplyBlock[]): ToolUse[] {
  return content.flatMap((block) => {
    const use = toolUseSchema.safeParse(block);
    return use.success ? [{ id: use.data.id, name: use.data.name, input: use.data.input }] : [];
  });
}

/** What a reply says. */
export function textOf(content: readonly ReplyBlock[]): string {
  return content
    .flatMap((block) => (block.type === 'text' && typeof block['text'] === 'string' ? [block['text']] : []))
    .join('')
    .trim();
}
