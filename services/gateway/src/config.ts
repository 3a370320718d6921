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
import { queueLimitsOf, queueSettings } from '@atelier/shared/config/queue-settings';
import { defaultPickRules, type PickRules } from '@atelier/queue/pick-job';
import type { DoorConfig } from './door/door-config.ts';

const settings = z
  .object({
    ...platformSettings,
    ...assetSettings,
    ...homeSettings,
    ...queueSettings,
    ...operatorSettings,
    ATELIER_GATEWAY_HOST: z.string().default('127.0.0.1'),
    ATELIER_GATEWAY_PORT: portSetting.default(8485),
    /** Where people and programs reach it, where that is not the address that it listens on. */
    ATELIER_GATEWAY_URL: httpUrlSetting.optional(),
    /** Requests from this machine need no token; on loopback addresses only. */
    ATELIER_GATEWAY_OPEN: booleanSetting.default(false),
    /** Web pages elsewhere that may call it, as `https://example.org`, separated by commas. */
    ATELIER_GATEWAY_ORIGINS: z
      .string()
      .default('')
      .transform((text) => text.split(',').map((origin) => origin.trim().replace(/\/$/, '')))
      .transform((origins) => origins.filter((origin) => origin !== ''))
      .refine((origins) => origins.every(isOrigin), 'must be origins such as https://example.org, separated by commas'),
    /** Believe the forwarding headers of a reverse proxy. */
    ATELIER_GATEWAY_TRUST_PROXY: booleanSetting.default(false),
    /** Requests a minute of one caller whose token says nothing else. */
    ATELIER_GATEWAY_PER_MINUTE: intSetting(1, 1_000_000).default(1_200),
    /** Largest upload, in bytes. */
    ATELIER_GATEWAY_UPLOAD_BYTES: intSetting(1_024, 1_073_741_824).default(20_971_520),
    /** The ComfyUI-compatible door; 0: a free port. */
    ATELIER_DOOR_PORT: portSetting.default(8486),
    ATELIER_DOOR_HOST: z.string().default('127.0.0.1'),
    /** The ComfyUI whose front end the door shows, as this machine reaches it. */
    ATELIER_DOOR_FRONTEND_URL: httpUrlSetting.optional(),
    /** Webhooks may go to private addresses and to http. */
    ATELIER_WEBHOOK_PRIVATE_TARGETS: booleanSetting.default(false),
  })
  .refine(({ ATELIER_GATEWAY_OPEN: open, ATELIER_GATEWAY_HOST: host }) => !open || isLoopbackHost(host), {
    path: ['ATELIER_GATEWAY_OPEN'],
    error:
      'must be off when ATELIER_GATEWAY_HOST is not a loopback address, because everybody who reaches it could use the ' +
      'GPUs; make tokens with npm run token',
  });
type Settings = z.infer<typeof settings>;

/** The HTTP interface. */
export interface HttpConfig {
  host: string;
  /** 0: a free one. */
  port: number;
  publicUrl: string | undefined;
  /** Requests from this machine need no token. */
  open: boolean;
  origins: readonly string[];
  trustProxy: boolean;
  perMinute: number;
  maxUploadBytes: number;
}

export interface GatewayConfig {
  settings: Settings;
  homeDir: string;
  http: HttpConfig;
  /** As `door:id`. */
  operators: readonly string[];
  webhooks: { allowPrivateTargets: boolean };
  door: DoorConfig;
  /** The workers' rules, for forecasts. */
  pickRules: PickRules;
}

/** @throws AppError `config` that names every bad variable. */
export function parseGatewayConfig(env: Record<string, string | undefined>): GatewayConfig {
  const parsed = parseConfig(settings, env);
  return {
    settings: parsed,
    homeDir: parsed.ATELIER_HOME,
    http: {
      host: parsed.ATELIER_GATEWAY_HOST,
      port: parsed.ATELIER_GATEWAY_PORT,
      publicUrl: parsed.ATELIER_GATEWAY_URL?.replace(/\/$/, ''),
      open: parsed.ATELIER_GATEWAY_OPEN,
      origins: parsed.ATELIER_GATEWAY_ORIGINS,
      trustProxy: parsed.ATELIER_GATEWAY_TRUST_PROXY,
      perMinute: parsed.ATELIER_GATEWAY_PER_MINUTE,
      maxUploadBytes: parsed.ATELIER_GATEWAY_UPLOAD_BYTES,
    },
    operators: parsed.ATELIER_ADMINS,
    webhooks: { allowPrivateTargets: parsed.ATELIER_WEBHOOK_PRIVATE_TARGETS },
    door: {
      host: parsed.ATELIER_DOOR_HOST,
      port: parsed.ATELIER_DOOR_PORT,
      frontendUrl: parsed.ATELIER_DOOR_FRONTEND_URL?.replace(/\/$/, ''),
      maxUploadBytes: parsed.ATELIER_GATEWAY_UPLOAD_BYTES,
      perMinute: parsed.ATELIER_GATEWAY_PER_MINUTE,
      origins: parsed.ATELIER_GATEWAY_ORIGINS,
    },
    pickRules: { ...defaultPickRules, ...queueLimitsOf(parsed) },
  };
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && /^https?:/.test(text);
}
