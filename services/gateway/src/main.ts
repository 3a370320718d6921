import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { createAssetStore } from '@atelier/shared/assets/create-asset-store';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { logLevelSetting } from '@atelier/shared/config/parse-config';
import { createDatabase, waitForDatabase } from '@atelier/shared/db/connect-database';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createGatewayApp } from './app.ts';
import { parseGatewayConfig } from './config.ts';
import { openDoor } from './door/create-door.ts';

// A bad level is named with the other bad settings; until then the usual one serves.
const log = createLogger('gateway', logLevelSetting.catch('info').parse(process.env['LOG_LEVEL']));

await runService('gateway', log, async () => {
  const config = parseGatewayConfig(process.env);
  const { settings } = config;
  const db = createDatabase({
    url: settings.DATABASE_URL,
    poolSize: settings.DATABASE_POOL_SIZE,
    applicationName: 'atelier gateway',
    log,
  });
  const app = createGatewayApp({
    config,
    db,
    async prepareDatabase(signal) {
      await waitForDatabase(db, log, signal);
      await migrateDatabase(settings.DATABASE_URL);
    },
    connectBus: (signal) =>
      connectBus({ url: settings.NATS_URL, prefix: settings.NATS_PREFIX, service: 'gateway', log, signal }),
    files: await createAssetStore({
      ...settings,
      ATELIER_ASSETS_DIR: settings.ATELIER_ASSETS_DIR ?? join(config.homeDir, 'assets'),
    }),
    log,
    now: Date.now,
    randomId: randomUUID,
    doors: [openDoor(config.door)],
  });
  return app.start();
});
