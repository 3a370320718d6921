import type { HomeLayout } from '../home/home-layout.ts';
import type { Environment } from '../settings/read-environment.ts';

/** Addresses that the launcher found or started. */
export interface Addresses {
  readonly natsUrl: string;
  readonly databaseUrl: string;
  readonly comfyuiUrl: string;
  readonly webHost: string;
  readonly webPort: number;
  readonly gatewayHost: string;
  readonly gatewayPort: number;
  readonly doorPort: number;
}

/** As in the gateway's own settings. */
const loopback = /^(localhost|::1|127(\.\d{1,3}){3})$/;

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
    ATELIER_GATEWAY_HOST: addresses.gatewayHost,
    ATELIER_GATEWAY_PORT: String(addresses.gatewayPort),
    ATELIER_DOOR_PORT: String(addresses.doorPort),
    // One person's machine: their own programs need no token, as long as nobody else reaches it.
    ATELIER_GATEWAY_OPEN: env['ATELIER_GATEWAY_OPEN'] ?? String(loopback.test(addresses.gatewayHost)),
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'info',
  };
}
