import { z } from 'zod';
import type { RunBudgets } from './loop/budgets.ts';
import { DEFAULT_BUDGETS } from './loop/budgets.ts';
import { priceOf, type ModelPrice } from './loop/model-prices.ts';
import type { ApprovalRule } from './tools/tool.ts';
import { httpUrlSetting, intSetting, parseConfig } from '@atelier/shared/config/parse-config';
import { operatorSettings } from '@atelier/shared/config/operator-settings';
import { assetSettings, platformSettings } from '@atelier/shared/config/platform-settings';
import { queueLimitsOf, queueSettings, type QueueLimits } from '@atelier/shared/config/queue-settings';

const settings = z.object({
  ...platformSettings,
  ...assetSettings,
  ...operatorSettings,
  ...queueSettings,
  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_BASE_URL: httpUrlSetting.default('https://api.anthropic.com'),
  ANTHROPIC_MODEL: z.string().max(200).default('claude-sonnet-5-5'),
  /** How much the model thinks; `none` leaves the choice out, for models that do not know it. */
  ANTHROPIC_EFFORT: z
    .enum(['none', 'low', 'medium', 'high', 'xhigh', 'max'], { error: 'must be none, low, medium, high, xhigh or max' })
    .default('low'),
  /** Longest silence of the model before it is asked again, or the words are read without it. */
  AGENT_MODEL_TIMEOUT_SECONDS: intSetting(1, 600).default(60),
  /** Requests planned at a time. */
  AGENT_CONCURRENCY: intSetting(1, 100).default(8),
  /** Longest reply of the model, in tokens, its thinking included. */
  ATELIER_MODEL_MAX_OUTPUT_TOKENS: intSetting(500, 64_000).default(8_000),
  /** US dollars for a million tokens: input, output, written to the cache, read from it. For models of other makers. */
  ATELIER_MODEL_PRICE: z
    .string()
    .regex(/^\d+(\.\d+)?(,\d+(\.\d+)?){3}$/, 'must be four numbers with commas: input, output, cache write, cache read')
    .optional(),
  /** When the agent shows its plan and asks before GPU time is used. */
  ATELIER_PLAN_APPROVAL: z
    .enum(['always', 'above_cost', 'never'], { error: 'must be always, above_cost or never' })
    .default('above_cost'),
  ATELIER_PLAN_APPROVAL_GPU_SECONDS: intSetting(0, 86_400).default(120),
  /** How long a question waits for its answer before its request ends. */
  ATELIER_QUESTION_EXPIRES_HOURS: intSetting(1, 8_760).default(24),
  /** off; offer: says when a result plainly misses the wish; retry: makes one better attempt then. */
  ATELIER_VISION_CHECK: z.enum(['off', 'offer', 'retry'], { error: 'must be off, offer or retry' }).default('off'),
  /** Replies of the model for one request. */
  ATELIER_BUDGET_ITERATIONS: intSetting(1, 200).default(DEFAULT_BUDGETS.maxIterations),
  /** The budgets below: 0 is no limit. */
  ATELIER_BUDGET_RUN_TOKENS: intSetting(0, 100_000_000).default(DEFAULT_BUDGETS.runTokens),
  ATELIER_BUDGET_RUN_CENTS: intSetting(0, 10_000_000).default(DEFAULT_BUDGETS.runMicroDollars / 10_000),
  ATELIER_BUDGET_RUN_GPU_SECONDS: intSetting(0, 10_000_000).default(DEFAULT_BUDGETS.runGpuSeconds),
  ATELIER_BUDGET_PERSON_DAY_CENTS: intSetting(0, 10_000_000).default(0),
  ATELIER_BUDGET_DAY_CENTS: intSetting(0, 100_000_000).default(0),
  /** Tokens of conversation beyond which a run is summed up. */
  ATELIER_BUDGET_CONTEXT_TOKENS: intSetting(4_000, 10_000_000).default(DEFAULT_BUDGETS.contextTokens),
});

/** Claude, where a key is set. */
export type ClaudeConfig = { enabled: false } | ({ enabled: true } & ClaudeSettings);

export interface ClaudeSettings {
  apiKey: string;
  baseUrl: string;
  model: string;
  effort: z.infer<typeof settings>['ANTHROPIC_EFFORT'];
  timeoutMs: number;
}

/** How the agent works with its model. */
export interface AgentSettings {
  budgets: RunBudgets;
  approval: ApprovalRule;
  visionCheck: 'off' | 'offer' | 'retry';
  maxOutputTokens: number;
  price: ModelPrice;
}

export interface AgentConfig {
  settings: z.infer<typeof settings>;
  concurrency: number;
  limits: QueueLimits;
  /** As `door:id`. */
  operators: readonly string[];
  questionExpiresMs: number;
  claude: ClaudeConfig;
  agent: AgentSettings;
}

/** Reads the agent's settings. @throws AppError `config` that names every bad variable. */
export function parseAgentConfig(env: Record<string, string | undefined>): AgentConfig {
  const parsed = parseConfig(settings, env);
  const apiKey = parsed.ANTHROPIC_API_KEY;
  return {
    settings: parsed,
    concurrency: parsed.AGENT_CONCURRENCY,
    limits: queueLimitsOf(parsed),
    operators: parsed.ATELIER_ADMINS,
    questionExpiresMs: parsed.ATELIER_QUESTION_EXPIRES_HOURS * 3_600_000,
    claude:
      apiKey === undefined
        ? { enabled: false }
        : {
            enabled: true,
            apiKey,
            baseUrl: parsed.ANTHROPIC_BASE_URL,
            model: parsed.ANTHROPIC_MODEL,
            effort: parsed.ANTHROPIC_EFFORT,
            timeoutMs: parsed.AGENT_MODEL_TIMEOUT_SECONDS * 1_000,
          },
    agent: agentSettingsOf(parsed),
  };
}

function agentSettingsOf(parsed: z.infer<typeof settings>): AgentSettings {
  const [input, output, cacheWrite, cacheRead] = parsed.ATELIER_MODEL_PRICE?.split(',').map(Number) ?? [];
  const isPriced = input !== undefined && output !== undefined && cacheWrite !== undefined && cacheRead !== undefined;
  const microDollars = (cents: number): number => cents * 10_000;
  return {
    budgets: {
      maxIterations: parsed.ATELIER_BUDGET_ITERATIONS,
      runTokens: parsed.ATELIER_BUDGET_RUN_TOKENS,
      runMicroDollars: microDollars(parsed.ATELIER_BUDGET_RUN_CENTS),
      runGpuSeconds: parsed.ATELIER_BUDGET_RUN_GPU_SECONDS,
      personDayMicroDollars: microDollars(parsed.ATELIER_BUDGET_PERSON_DAY_CENTS),
      dayMicroDollars: microDollars(parsed.ATELIER_BUDGET_DAY_CENTS),
      contextTokens: parsed.ATELIER_BUDGET_CONTEXT_TOKENS,
    },
    approval: { when: parsed.ATELIER_PLAN_APPROVAL, gpuSeconds: parsed.ATELIER_PLAN_APPROVAL_GPU_SECONDS },
    visionCheck: parsed.ATELIER_VISION_CHECK,
    maxOutputTokens: parsed.ATELIER_MODEL_MAX_OUTPUT_TOKENS,
    price: isPriced ? { input, output, cacheWrite, cacheRead } : priceOf(parsed.ANTHROPIC_MODEL),
  };
}
