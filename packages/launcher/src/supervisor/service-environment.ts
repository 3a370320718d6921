import type { HomeLayout } from '../home/home-layout.ts';
import type { Environment } from '../settings/read-environment.ts';

/** Addresses that the launcher found or started. */
export interface Addresses {
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly comfyuiUrl: string;
  readonly webHost: string;
  readonly webPort: number;
}

/** The environment of a service: all settings as they are, over them what the launcher decided. */
export function serviceEnvironment(env: Environment, home: HomeLayout, addresses: Addresses): Record<string, string> {
  return {
    ...env,
    ATELIER_HOME: home.root,
    ATELIER_ASSETS_DIR: env['ATELIER_ASSETS_DIR'] ?? home.assetsDir,
    NATS_URL: addresses.natsUrl,
    DATABASE_URL: addresses.databaseUrl,
    COMFYUI_URL: addresses.comfyuiUrl,
    ATELIER_WEB_HOST: addresses.webHost,
    ATELIER_WEB_PORT: String(addresses.webPort),
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'info',
  };
}
