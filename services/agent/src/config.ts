import { z } from 'zod';
import { httpUrlSetting, intSetting, parseConfig } from '@atelier/shared/config/parse-config';
import { assetSettings, platformSettings } from '@atelier/shared/config/platform-settings';

const settings = z.object({
  ...platformSettings,
  ...assetSettings,
  ANTHROPIC_API_KEY: z.string().optional(),
  ANTHROPIC_BASE_URL: httpUrlSetting.default('https://api.anthropic.com'),
  ANTHROPIC_MODEL: z.string().max(200).default('claude-sonnet-5-5'),
  /** How much the model thinks; `none` leaves the choice out, for models that do not know it. */
  ANTHROPIC_EFFORT: z
    .enum(['none', 'low', 'medium', 'high', 'xhigh', 'max'], { error: 'must be none, low, medium, high, xhigh or max' })
    .default('low'),
  /** Longest that the model may take over one request, with its repeats, before the words are read without it. */
  AGENT_MODEL_TIMEOUT_SECONDS: intSetting(1, 600).default(30),
  /** Requests planned at a time. */
  AGENT_CONCURRENCY: intSetting(1, 100).default(8),
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

export interface AgentConfig {
  settings: z.infer<typeof settings>;
  concurrency: number;
  claude: ClaudeConfig;
}

/** Reads the agent's settings. @throws AppError `config` that names every bad variable. */
export function parseAgentConfig(env: Record<string, string | undefined>): AgentConfig {
  const parsed = parseConfig(settings, env);
  const apiKey = parsed.ANTHROPIC_API_KEY;
  return {
    settings: parsed,
    concurrency: parsed.AGENT_CONCURRENCY,
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
  };
}
