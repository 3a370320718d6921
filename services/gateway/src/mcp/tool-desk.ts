import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { ToolList } from '@atelier/shared/contracts/control';
import type { SubmissionRules } from '@atelier/shared/db/chat/submission-rules';
import { countSubmission } from '@atelier/shared/db/gateway/api-tokens';
import { hasScope, type Principal } from '../core/principal.ts';
import { toAppError } from '../adapters/http/to-app-error.ts';
import { checkRules } from '../core/submit/check-rules.ts';
import type { GatewayParts } from '../ports.ts';
import type { RecentValue } from '../state/recent-value.ts';
import { toolFailure, toolResult, type ToolFiles } from './tool-result.ts';

export type Tool = ToolList['tools'][number];

export interface ToolUse {
  name: string;
  arguments: Record<string, unknown>;
  /** The caller's id of this use: the same again is the same use. */
  callId?: string | undefined;
}

/** The agent's tools for whoever calls: with their rights, their quotas and their conversation. */
export interface ToolDesk {
  /** What this caller may use. @throws AppError `unavailable` while no agent answers. */
  list(principal: Principal): Promise<Tool[]>;
  /** Failures are results, too: the caller's model reads them. */
  call(principal: Principal, use: ToolUse): Promise<CallToolResult>;
}

/** The list changes with a new version of the agent alone. */
const listFreshMs = 30_000;
const listTimeoutMs = 3_000;
/** The agent gives up a little earlier. */
const callTimeoutMs = 28_000;
/** Tools that ask for GPU time count as submissions. */
const submitting: ReadonlySet<string> = new Set(['run']);
const maxCallIdChars = 100;

export function createToolDesk(
  parts: Pick<GatewayParts, 'bus' | 'db' | 'log' | 'randomId'>,
  deps: { files: ToolFiles; rules: RecentValue<SubmissionRules> },
): ToolDesk {
  let listed: { at: number; tools: Promise<Tool[]> } | undefined;

  function all(): Promise<Tool[]> {
    if (listed !== undefined && performance.now() - listed.at < listFreshMs) return listed.tools;
    const tools = parts
      .bus()
      .ask('toolList', {}, {}, { timeoutMs: listTimeoutMs, repeat: true })
      .then((list) => list.tools);
    tools.catch(() => {
      listed = undefined;
    });
    listed = { at: performance.now(), tools };
    return tools;
  }

  async function use(principal: Principal, { name, arguments: given, callId }: ToolUse): Promise<CallToolResult> {
    const tool = (await all()).find((one) => one.name === name);
    if (tool === undefined) return toolFailure(`There is no tool "${name.slice(0, 60)}": list them again.`);
    if (!mayUse(principal, tool)) return toolFailure(`This token lacks the scope "submit", which ${name} needs.`);
    if (!tool.readOnly && name !== 'cancel') {
      // What kind of thing it makes is looked at by the agent, once it has planned it.
      checkRules(await deps.rules.current(), principal, { command: '*', words: textsIn(given).join('\n') });
    }
    const refusal = submitting.has(name) && given['estimate_only'] !== true ? await countAgainst(principal) : undefined;
    if (refusal !== undefined) return toolFailure(refusal);
    const answer = await parts.bus().ask(
      'toolCall',
      {},
      {
        callId: `${principal.account}:${callId?.slice(0, maxCallIdChars) ?? parts.randomId()}`,
        tool: name,
        arguments: given,
        personId: principal.personId,
        language: principal.language,
        place: { door: 'api', id: principal.account, userId: principal.credentialId, threadId: 'mcp' },
      },
      { timeoutMs: callTimeoutMs },
    );
    return toolResult(answer, deps.files);
  }

  async function countAgainst({ kind, credentialId, personId, limits }: Principal): Promise<string | undefined> {
    if (kind !== 'token' || (limits.perDay === null && limits.openRequests === null)) return undefined;
    const counted = await countSubmission(parts.db, { id: credentialId, personId, limits });
    if (counted.outcome === 'counted') return undefined;
    return counted.limit === 'perDay'
      ? `This token may ask ${counted.allowed} times a day (UTC): wait until tomorrow, or use another.`
      : `This token may have ${counted.allowed} unfinished requests: wait until one ends.`;
  }

  return {
    list: async (principal) => (await all()).filter((tool) => mayUse(principal, tool)),
    async call(principal, given) {
      try {
        return await use(principal, given);
      } catch (thrown) {
        const error = toAppError(thrown);
        if (error.code === 'internal') parts.log.error({ err: thrown, tool: given.name }, 'a tool could not be used');
        return toolFailure(error.publicMessage[principal.language]);
      }
    },
  };
}

/** All text in a tool's arguments, however deep. */
function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [];
}

function mayUse(principal: Principal, tool: Tool): boolean {
  return tool.readOnly || hasScope(principal, 'submit');
}
