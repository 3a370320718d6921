import { join } from 'node:path';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { AssetStore } from '../assets/asset-store.ts';
import { createAssetStore } from '../assets/create-asset-store.ts';
import type { Bus } from '../bus/bus.ts';
import { connectBus } from '../bus/connect-bus.ts';
import type { assetSettings, platformSettings } from '../config/platform-settings.ts';
import type { ServiceName } from '../contracts/subjects.ts';
import { createDatabase, type Database } from '../db/connect-database.ts';
import { prepareDatabase } from '../db/prepare-database.ts';

type Settings = z.infer<z.ZodObject<typeof platformSettings & typeof assetSettings>>;

/** What a service is built upon: rows, messages and files, as its settings name them. */
export interface PlatformParts {
  db: Database;
  /** Waits for Postgres and brings the schema up to date. */
  prepareDatabase(signal?: AbortSignal): Promise<void>;
  /** Waits for NATS. */
  connectBus(signal?: AbortSignal): Promise<Bus>;
  files: AssetStore;
}

/**
 * Builds them; nothing is opened before the first use.
 *
 * @param homeDir where files lie that no setting gives another place; without it one must be set.
 * @throws AppError `config` that names the settings to set.
 */
export async function createPlatformParts(
  service: ServiceName,
  settings: Settings,
  options: { log: Logger; homeDir?: string },
): Promise<PlatformParts> {
  const { log, homeDir } = options;
  const db = createDatabase({
    url: settings.DATABASE_URL,
    poolSize: settings.DATABASE_POOL_SIZE,
    applicationName: `atelier ${service}`,
    log,
  });
  const folder = settings.ATELIER_ASSETS_DIR ?? (homeDir === undefined ? undefined : join(homeDir, 'assets'));
  return {
    db,
    prepareDatabase: (signal) => prepareDatabase(db, settings.DATABASE_URL, log, signal),
    connectBus: (signal) =>
      connectBus({
        url: settings.NATS_URL,
        prefix: settings.NATS_PREFIX,
        service,
        log,
        ...(signal === undefined ? {} : { signal }),
      }),
    files: await createAssetStore({ ...settings, ATELIER_ASSETS_DIR: folder }),
  };
}
