import { resolve } from 'node:path';
import {
  httpUrlSetting,
  intSetting,
  logLevelSetting,
  natsUrlSetting,
  parseConfig,
  postgresUrlSetting,
} from '@atelier/shared/config/parse-config';
import { z } from 'zod';
import type { Environment } from './read-environment.ts';

const schema = z.object({
  /** Folder of all state. */
  ATELIER_HOME: z.string().default('.atelier'),
  ATELIER_WEB_HOST: z.string().default('127.0.0.1'),
  ATELIER_WEB_PORT: intSetting(1, 65_535).optional(),
  ATELIER_GATEWAY_HOST: z.string().default('127.0.0.1'),
  ATELIER_GATEWAY_PORT: intSetting(1, 65_535).optional(),
  ATELIER_DOOR_PORT: intSetting(1, 65_535).optional(),
  /** Of the first service; each further one takes the next. */
  ATELIER_METRICS_PORT: intSetting(1, 65_500).optional(),
  /** 1 is a mid-range GPU, 2 twice as fast, 0 draws at once. */
  ATELIER_SIMULATOR_SPEED: z.coerce
    .number({ error: 'must be a number from 0 to 10000' })
    .min(0, 'must be a number from 0 to 10000')
    .max(10_000, 'must be a number from 0 to 10000')
    .default(1),
  COMFYUI_URL: httpUrlSetting.optional(),
  DATABASE_URL: postgresUrlSetting.optional(),
  NATS_URL: natsUrlSetting.optional(),
  LOG_LEVEL: logLevelSetting.optional(),
});

/** What the launcher itself needs to know; the services parse the rest. */
export interface LauncherSettings {
  /** Absolute folder of all state. */
  readonly home: string;
  readonly webHost: string;
  /** The port asked for; undefined means one that stays the same for this home. */
  readonly webPort: number | undefined;
  readonly gatewayHost: string;
  /** Ports asked for; undefined means ones that stay the same for this home. */
  readonly gatewayPort: number | undefined;
  readonly doorPort: number | undefined;
  /** Where the first service tells its health and figures; undefined: none does. */
  readonly metricsPort: number | undefined;
  /** Undefined starts the simulator. */
  readonly comfyuiUrl: string | undefined;
  /** How fast the simulator draws; 0 is at once. */
  readonly simulatorSpeed: number;
  /** Undefined starts an embedded Postgres. */
  readonly databaseUrl: string | undefined;
  /** Undefined starts a NATS server. */
  readonly natsUrl: string | undefined;
  readonly logLevel: z.infer<typeof logLevelSetting> | undefined;
}

/** @throws AppError `config` that names every bad variable. */
export function parseLauncherSettings(env: Environment, workingFolder: string): LauncherSettings {
  const parsed = parseConfig(schema, env);
  return {
    home: resolve(workingFolder, parsed.ATELIER_HOME),
    webHost: parsed.ATELIER_WEB_HOST,
    webPort: parsed.ATELIER_WEB_PORT,
    gatewayHost: parsed.ATELIER_GATEWAY_HOST,
    gatewayPort: parsed.ATELIER_GATEWAY_PORT,
    doorPort: parsed.ATELIER_DOOR_PORT,
    metricsPort: parsed.ATELIER_METRICS_PORT,
    comfyuiUrl: parsed.COMFYUI_URL,
    simulatorSpeed: parsed.ATELIER_SIMULATOR_SPEED,
    databaseUrl: parsed.DATABASE_URL,
    natsUrl: parsed.NATS_URL,
    logLevel: parsed.LOG_LEVEL,
  };
}
