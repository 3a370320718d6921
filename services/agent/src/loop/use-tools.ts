import type { z } from 'zod';
import { ComfyError } from '@atelier/comfyui/errors/comfy-error';
import { nearestNames } from '@atelier/comfyui/notation/nearest-names';
import { AppError } from '@atelier/shared/errors/app-error';
import type { Logger } from '@atelier/shared/log/create-logger';
import { refuse, type AgentTool, type ToolContext, type ToolOutcome } from '../tools/tool.ts';
import { asData, neutral, storable, storableText } from '../tools/untrusted-text.ts';
import type { SaidBlock, ToolResult, ToolUse } from './step.ts';

/** Longest answer of a tool, in characters: about 3,000 tokens. */
const MAX_RESULT_CHARS = 12_000;
const MAX_ISSUES = 4;

/**
 * Uses one tool, with its time limit. Whatever goes wrong inside becomes an answer that the model can act on; only the
 * end from outside is thrown on.
 */
export async function useTool(
  tools: readonly AgentTool[],
  use: ToolUse,
  context: ToolContext,
  signal: AbortSignal,
  log: Logger,
): Promise<ToolOutcome> {
  const tool = tools.find(({ name }) => name === use.name);
  if (tool === undefined) {
    const near = nearestNames(
      use.name,
      tools.map(({ name }) => name),
    );
    return refuse(
      `There is no tool "${neutral(use.name.slice(0, 60))}".${near.length > 0 ? ` Did you mean ${near.join(' or ')}?` : ''}`,
    );
  }
  const timeUp = AbortSignal.timeout(tool.timeoutMs);
  const over = AbortSignal.any([signal, timeUp]);
  try {
    const input = tool.input.safeParse(storable(use.input));
    if (!input.success) return refuse(describeIssues(input.error));
    return await withEnd(tool.execute(input.data, context, over), over);
  } catch (error) {
    if (signal.aborted) throw error;
    if (timeUp.aborted) return refuse(`${tool.name} took longer than ${tool.timeoutMs / 1_000} s; ask for less.`);
    return refuse(failureWords(error, tool.name, log));
  }
}

/** A tool that does not listen to its signal is left behind when its time is up, or its run was stopped. */
async function withEnd<T>(work: Promise<T>, over: AbortSignal): Promise<T> {
  let stop = (): void => {};
  const ended = new Promise<never>((_resolve, reject) => {
    stop = () => reject(new AppError('unavailable', 'a tool took too long, or its run was stopped'));
    over.addEventListener('abort', stop, { once: true });
    if (over.aborted) stop();
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    over.removeEventListener('abort', stop);
  }
}

function describeIssues(error: z.ZodError): string {
  const lines = error.issues
    .slice(0, MAX_ISSUES)
    .map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`);
  const more = error.issues.length - lines.length;
  return `These arguments do not fit: ${lines.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`;
}

function failureWords(error: unknown, tool: string, log: Logger): string {
  // Names from workflows and files stand in these sentences.
  if (error instanceof ComfyError) return asData([error.message, error.hint ?? ''].join(' ').trim());
  if (error instanceof AppError && error.code !== 'internal') return asData(error.publicMessage.en);
  log.error({ err: error, tool }, 'a tool failed');
  return `${tool} failed on the server's side; it was logged. Try another way.`;
}

/** The answer as it is kept. */
export function resultOf(use: ToolUse, seq: number, outcome: Extract<ToolOutcome, { kind: 'result' }>): ToolResult {
  const blocks: SaidBlock[] =
    typeof outcome.content === 'string' ? [{ type: 'text', text: outcome.content }] : outcome.content;
  return {
    seq,
    toolUseId: use.id,
    tool: storableText(use.name.slice(0, 100)),
    isError: outcome.isError === true,
    content: blocks.map((block) =>
      block.type === 'text' && block.text.length > MAX_RESULT_CHARS
        ? {
            type: 'text',
            text: `${block.text.slice(0, MAX_RESULT_CHARS)}\n… ${block.text.length - MAX_RESULT_CHARS} more characters; ask for less.`,
          }
        : block,
    ),
    jobIds: outcome.jobIds ?? [],
  };
}

/** Uses that may happen at a time: neighbours that change nothing, else one. */
export function groupUses(tools: readonly AgentTool[], uses: readonly ToolUse[]): ToolUse[][] {
  const groups: ToolUse[][] = [];
  let parallel = false;
  for (const use of uses) {
    const readOnly = tools.find(({ name }) => name === use.name)?.readOnly === true;
    const last = groups.at(-1);
    if (readOnly && parallel && last !== undefined) last.push(use);
    else groups.push([use]);
    parallel = readOnly;
  }
  return groups;
}
