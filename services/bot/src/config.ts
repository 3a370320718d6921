import { z } from 'zod';
import {
  booleanSetting,
  httpUrlSetting,
  intSetting,
  parseConfig,
  portSetting,
} from '@atelier/shared/config/parse-config';
import { isLoopbackHost } from '@atelier/shared/config/is-loopback-host';
import { operatorSettings } from '@atelier/shared/config/operator-settings';
import { assetSettings, homeSettings, platformSettings } from '@atelier/shared/config/platform-settings';
import { queueLimitsOf, queueSettings, type QueueLimits } from '@atelier/shared/config/queue-settings';
import { defaultRetentionRules } from '@atelier/shared/db/retention/expire-history';
import { type DiscordConfig, discordConfigOf, discordSettings } from './adapters/discord/discord-settings.ts';
import type { Retention } from './state/expire-old-history.ts';

const settings = z
  .object({
    ...platformSettings,
    ...assetSettings,
    ...queueSettings,
    ...homeSettings,
    ...operatorSettings,
    /** Days that finished requests and their pictures are kept; 0: for good. Favourites are always kept. */
    ATELIER_KEEP_DAYS: intSetting(0, 36_500).default(90),
    /** Days that failed and cancelled requests are kept; 0: as long as the others. */
    ATELIER_KEEP_FAILED_DAYS: intSetting(0, 36_500).default(14),
    /** Pictures go into chats without the workflow that ComfyUI wrote into them; the stored originals keep it. */
    ATELIER_STRIP_METADATA: booleanSetting.default(true),
    /** A folder that requests are written to, as compressed JSON lines, before they are deleted. */
    ATELIER_ARCHIVE_DIR: z.string().optional(),
    ATELIER_WEB_HOST: z.string().default('127.0.0.1'),
    ATELIER_WEB_PORT: portSetting.default(8080),
    ATELIER_WEB_TOKEN: z.string().min(16, 'must have at least 16 characters').max(500).optional(),
    /** Of the language model, in US cents a day (UTC), as the agent keeps them: operators hear when one is spent. */
    ATELIER_BUDGET_DAY_CENTS: intSetting(0, 100_000_000).default(0),
    ATELIER_BUDGET_PERSON_DAY_CENTS: intSetting(0, 10_000_000).default(0),
    /** Address of the page for others, such as https://atelier.example.org: for links to originals and for signing in. */
    ATELIER_PUBLIC_URL: httpUrlSetting.optional(),
    /** Who manages a server or a group looks after what is asked there, where the place was let in by a rule. */
    ATELIER_TRUST_CHAT_ADMINS: booleanSetting.default(false),
    ...discordSettings,
    /** Spacing of messages and edits is divided by it: for tests against fakes whose windows are divided by it, too. */
    BOT_TIME_SCALE: intSetting(1, 100).default(1),
    TELEGRAM_TOKEN: z
      .string()
      .regex(/^\d+:[\w-]+$/, 'must look like 123456:ABC…, as BotFather gave it')
      .optional(),
    TELEGRAM_API_ROOT: httpUrlSetting.optional(),
    /** TELEGRAM_API_ROOT is a Bot API server in local mode on this machine: larger files. */
    TELEGRAM_API_LOCAL: booleanSetting.default(false),
    /** The address under which Telegram reaches this machine, without a path; updates are then posted there. */
    TELEGRAM_WEBHOOK_URL: httpUrlSetting.optional(),
    TELEGRAM_WEBHOOK_HOST: z.string().default('127.0.0.1'),
    TELEGRAM_WEBHOOK_PORT: portSetting.default(8490),
  })
  .refine(({ ATELIER_WEB_TOKEN: token, ATELIER_WEB_HOST: host }) => token !== undefined || isLoopbackHost(host), {
    path: ['ATELIER_WEB_TOKEN'],
    error:
      'must be set when ATELIER_WEB_HOST is not a loopback address, because everybody who reaches the page can use the GPUs',
  });
type Settings = z.infer<typeof settings>;

const dayMs = 24 * 3_600_000;

export interface WebConfig {
  host: string;
  /** 0: a free one. */
  port: number;
  /** People sign in with it; absent on loopback only. */
  token: string | undefined;
}

export type TelegramConfig =
  | { enabled: false }
  | {
      enabled: true;
      token: string;
      apiRoot: string | undefined;
      isLocalApi: boolean;
      webhook: { publicUrl: string; host: string; port: number } | undefined;
    };

export interface BotConfig {
  settings: Settings;
  /** Folder of what this service keeps for itself. */
  homeDir: string;
  web: WebConfig;
  budgets: { dayMicroDollars: number; personDayMicroDollars: number };
  /** Without a slash at the end. */
  publicUrl: string | undefined;
  admins: { identities: ReadonlySet<string>; trustsChatAdmins: boolean };
  limits: QueueLimits;
  /** Absent: history is kept for good. */
  retention?: Retention;
  discord: DiscordConfig;
  telegram: TelegramConfig;
  timeScale: number;
}

/** @throws AppError `config` that names every bad variable. */
export function parseBotConfig(env: Record<string, string | undefined>): BotConfig {
  const parsed = parseConfig(settings, env);
  return {
    settings: parsed,
    homeDir: parsed.ATELIER_HOME,
    timeScale: parsed.BOT_TIME_SCALE,
    budgets: {
      dayMicroDollars: parsed.ATELIER_BUDGET_DAY_CENTS * 10_000,
      personDayMicroDollars: parsed.ATELIER_BUDGET_PERSON_DAY_CENTS * 10_000,
    },
    publicUrl: parsed.ATELIER_PUBLIC_URL?.replace(/\/+$/, ''),
    admins: { identities: new Set(parsed.ATELIER_ADMINS), trustsChatAdmins: parsed.ATELIER_TRUST_CHAT_ADMINS },
    limits: queueLimitsOf(parsed),
    ...(parsed.ATELIER_KEEP_DAYS === 0 ? {} : { retention: retentionOf(parsed) }),
    web: { host: parsed.ATELIER_WEB_HOST, port: parsed.ATELIER_WEB_PORT, token: parsed.ATELIER_WEB_TOKEN },
    discord: discordConfigOf(parsed),
    telegram:
      parsed.TELEGRAM_TOKEN === undefined
        ? { enabled: false }
        : {
            enabled: true,
            token: parsed.TELEGRAM_TOKEN,
            apiRoot: parsed.TELEGRAM_API_ROOT,
            isLocalApi: parsed.TELEGRAM_API_LOCAL,
            webhook:
              parsed.TELEGRAM_WEBHOOK_URL === undefined
                ? undefined
                : {
                    publicUrl: parsed.TELEGRAM_WEBHOOK_URL,
                    host: parsed.TELEGRAM_WEBHOOK_HOST,
                    port: parsed.TELEGRAM_WEBHOOK_PORT,
                  },
          },
  };
}

function retentionOf(settings: Settings): Retention {
  const keepMs = settings.ATELIER_KEEP_DAYS * dayMs;
  const keepFailedMs = settings.ATELIER_KEEP_FAILED_DAYS === 0 ? keepMs : settings.ATELIER_KEEP_FAILED_DAYS * dayMs;
  return {
    rules: { ...defaultRetentionRules, keepMs, keepFailedMs: Math.min(keepMs, keepFailedMs) },
    archiveFolder: settings.ATELIER_ARCHIVE_DIR,
  };
}
