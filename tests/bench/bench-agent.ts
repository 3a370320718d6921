import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { createClaudeModel } from '@atelier/agent/adapters/claude-model';
import { createMemoryConversation } from '@atelier/agent/cli/memory-conversation';
import { parseAgentConfig } from '@atelier/agent/config';
import { createCatalog } from '@atelier/agent/core/catalog';
import { SYSTEM_PROMPT } from '@atelier/agent/loop/system-prompt';
import { createAgentTools } from '@atelier/agent/tools/agent-tools';
import { toolSchemaOf } from '@atelier/agent/tools/tool';
import { recordedRegistry } from '@atelier/comfyui/graph/testing/recorded-registry';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import { customClasses, installedModels } from '@atelier/comfyui/recipes/testing/installed-models';
import { createLogger } from '@atelier/shared/log/create-logger';
import { countRecipeTokens, tokenizerName } from '../conformance/token-ratio.ts';
import {
  startScriptedAnthropic,
  textMessage,
  type ReceivedRequest,
  type ScriptedStep,
} from '../support/anthropic/scripted-anthropic.ts';
import { toolMessage } from '../support/anthropic/tool-steps.ts';
import { agentTasks } from './agent-tasks.ts';

export interface AgentResult {
  tokenizer: string;
  /** Tokens of what is the same in every call. */
  systemTokens: number;
  toolTokens: number;
  tools: { name: string; tokens: number }[];
  tasks: {
    name: string;
    calls: number;
    inputTokens: number;
    cachedTokens: number;
    outputTokens: number;
    microDollars: number;
    end: string;
  }[];
  /** Of all tokens that the model read. */
  cachedShare: number;
  notation: { form: string; notation: number; json: number }[];
}

/**
 * Tokens of the prompt and the tools, and of 20 scripted tasks from the first word to the last: the real loop, adapter and
 * SDK against a server that answers by script and counts as the API bills, its cache included.
 */
export async function benchAgent(say: (line: string) => void): Promise<AgentResult> {
  const tools = createAgentTools().map((tool) => ({
    name: tool.name,
    tokens: countTokens(JSON.stringify(toolSchemaOf(tool))),
  }));
  const claude = await startScriptedAnthropic(createMeter());
  const log = createLogger('bench', 'silent');
  const { claude: settings, agent } = parseAgentConfig({
    NATS_URL: 'nats://127.0.0.1',
    DATABASE_URL: 'postgres://127.0.0.1/none',
    ANTHROPIC_API_KEY: 'bench',
    ANTHROPIC_BASE_URL: claude.url,
    ATELIER_PLAN_APPROVAL: 'never',
  });
  if (!settings.enabled) throw new Error('a key switches the model on');
  const catalog = createCatalog([recordedRegistry('0.8.0', installedModels, customClasses)], listRecipes());
  const result: AgentResult['tasks'] = [];
  try {
    // One conversation for all, as a busy channel is one.
    const conversation = createMemoryConversation({
      ...agent,
      model: createClaudeModel({ ...settings, log }),
      catalog,
      language: 'en',
      sink: () => {},
      log,
      now: () => Date.parse('2026-11-21T12:00:00Z'),
      askPerson: () => Promise.resolve({ choice: '1' }),
    });
    for (const task of agentTasks) {
      claude.script(...task.replies.map((uses) => (typeof uses === 'string' ? textMessage(uses) : toolMessage(uses))));
      const { end, cost } = await conversation.say(task.words, new AbortController().signal);
      if (claude.left > 0 || end.kind !== 'answered')
        throw new Error(`the task "${task.words}" ended otherwise: ${end.kind}, ${claude.left} replies left`);
      result.push({
        name: task.words,
        calls: cost.modelCalls,
        inputTokens: cost.inputTokens + cost.cacheReadTokens + cost.cacheWriteTokens,
        cachedTokens: cost.cacheReadTokens,
        outputTokens: cost.outputTokens,
        microDollars: cost.microDollars,
        end: end.kind,
      });
    }
  } finally {
    await claude.close();
  }
  const sum = (key: 'inputTokens' | 'cachedTokens'): number => result.reduce((total, task) => total + task[key], 0);
  say(`${result.length} tasks`);
  return {
    tokenizer: tokenizerName,
    systemTokens: countTokens(SYSTEM_PROMPT),
    toolTokens: tools.reduce((total, { tokens }) => total + tokens, 0),
    tools,
    tasks: result,
    cachedShare: sum('cachedTokens') / sum('inputTokens'),
    notation: countRecipeTokens(),
  };
}

/**
 * Counts what a request costs as the API does: tools and system prompt are one cached prefix, and each conversation is
 * cached up to where its last block was marked.
 */
function createMeter(): (step: ScriptedStep, request: ReceivedRequest) => ScriptedStep {
  const cached = new Set<string>();
  return (step, request) => {
    if (step.kind !== 'message') return step;
    const parts = [
      JSON.stringify([request.tools, request.system]),
      ...request.messages.map((message) => JSON.stringify(message, withoutMarks)),
    ];
    const tokens = parts.map((part) => countTokens(part));
    let read = 0;
    for (let end = parts.length; end > 0; end--) {
      if (!cached.has(parts.slice(0, end).join('\n'))) continue;
      read = tokens.slice(0, end).reduce((sum, count) => sum + count, 0);
      break;
    }
    cached.add(parts.slice(0, 1).join('\n'));
    cached.add(parts.join('\n'));
    const all = tokens.reduce((sum, count) => sum + count, 0);
    const usage = {
      input_tokens: 0,
      cache_read_input_tokens: read,
      cache_creation_input_tokens: all - read,
      output_tokens: countTokens(JSON.stringify(step.content)),
    };
    return { ...step, usage };
  };
}

function withoutMarks(key: string, value: unknown): unknown {
  return key === 'cache_control' ? undefined : value;
}

/** The result as lines, each with its goal. */
export function formatAgent(result: AgentResult): string[] {
  const { tasks } = result;
  const prefix = result.systemTokens + result.toolTokens;
  const mean = (key: 'calls' | 'inputTokens' | 'outputTokens' | 'microDollars'): number =>
    tasks.reduce((sum, task) => sum + task[key], 0) / tasks.length;
  return [
    `system prompt + tool schemas: ${prefix} tokens (${result.systemTokens} + ${result.toolTokens} of ${result.tools.length} tools); goal ≤ 6,000`,
    `a finished task, mean of ${tasks.length}: ${mean('calls').toFixed(1)} calls, ${Math.round(mean('inputTokens'))} tokens read, ${Math.round(mean('outputTokens'))} written, $${(mean('microDollars') / 1e6).toFixed(4)}`,
    `read from the cache: ${(result.cachedShare * 100).toFixed(1)} % of all that was read`,
    ...result.notation.map(
      ({ form, notation, json }) => `notation against ${form}: ${((notation / json) * 100).toFixed(1)} % of its tokens`,
    ),
    ...tasks.map(
      (task) =>
        `  ${String(task.calls).padStart(2)} calls ${String(task.inputTokens).padStart(7)} read ${String(task.outputTokens).padStart(5)} written  ${task.name.slice(0, 60)}`,
    ),
    `tokens by ${result.tokenizer}`,
  ];
}
