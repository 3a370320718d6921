import { z } from 'zod';
import { booleanSetting, httpUrlSetting, parseConfig, portSetting } from '@atelier/shared/config/parse-config';
import { assetSettings, platformSettings } from '@atelier/shared/config/platform-settings';
import { AppError } from '@atelier/shared/errors/app-error';

const settings = z.object({
  ...platformSettings,
  ...assetSettings,
  /** State of this copy of the product. */
  ATELIER_HOME: z.string().default('.atelier'),
  ATELIER_WEB_HOST: z.string().default('127.0.0.1'),
  ATELIER_WEB_PORT: portSetting.default(8080),
  ATELIER_WEB_TOKEN: z.string().min(16, 'must have at least 16 characters').max(500).optional(),
  DISCORD_TOKEN: z.string().optional(),
  DISCORD_API_URL: httpUrlSetting.optional(),
  /** Also see replies that do not mention the bot; needs the privileged intent. */
  DISCORD_MESSAGE_CONTENT: booleanSetting.default(false),
  TELEGRAM_TOKEN: z
    .string()
    .regex(/^\d+:[\w-]+$/, 'must look like 123456:ABC…, as BotFather gave it')
    .optional(),
  TELEGRAM_API_ROOT: httpUrlSetting.optional(),
});
type Settings = z.infer<typeof settings>;

export interface WebConfig {
  host: string;
  /** 0: a free one. */
  port: number;
  /** People sign in with it; absent on loopback only. */
  token: string | undefined;
}

export type DiscordConfig =
  | { enabled: false }
  | { enabled: true; token: string; apiUrl: string | undefined; messageContent: boolean };
export type TelegramConfig = { enabled: false } | { enabled: true; token: string; apiRoot: string | undefined };

export interface BotConfig {
  settings: Settings;
  /** Folder of what this service keeps for itself. */
  homeDir: string;
  web: WebConfig;
  discord: DiscordConfig;
  telegram: TelegramConfig;
}

/** @throws AppError `config` that names every bad variable. */
export function parseBotConfig(env: Record<string, string | undefined>): BotConfig {
  const parsed = parseConfig(settings, env);
  if (parsed.ATELIER_WEB_TOKEN === undefined && !isLoopbackHost(parsed.ATELIER_WEB_HOST)) {
    throw new AppError(
      'config',
      'These settings are missing or wrong:\n  ATELIER_WEB_TOKEN: must be set when ATELIER_WEB_HOST is not a loopback ' +
        'address, because everybody who reaches the page can use the GPUs',
      { details: { variables: ['ATELIER_WEB_TOKEN'] } },
    );
  }
  return {
    settings: parsed,
    homeDir: parsed.ATELIER_HOME,
    web: { host: parsed.ATELIER_WEB_HOST, port: parsed.ATELIER_WEB_PORT, token: parsed.ATELIER_WEB_TOKEN },
    discord:
      parsed.DISCORD_TOKEN === undefined
        ? { enabled: false }
        : {
            enabled: true,
            token: parsed.DISCORD_TOKEN,
            apiUrl: parsed.DISCORD_API_URL,
            messageContent: parsed.DISCORD_MESSAGE_CONTENT,
          },
    telegram:
      parsed.TELEGRAM_TOKEN === undefined
        ? { enabled: false }
        : { enabled: true, token: parsed.TELEGRAM_TOKEN, apiRoot: parsed.TELEGRAM_API_ROOT },
  };
}

export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}
