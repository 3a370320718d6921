import { randomUUID } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPickRules } from '@atelier/queue/pick-job';
import { createAssetStore } from '@atelier/shared/assets/create-asset-store';
import { logLevelSetting } from '@atelier/shared/config/parse-config';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase, waitForDatabase } from '@atelier/shared/db/connect-database';
import { readMessageRefs } from '@atelier/shared/db/deliveries/delivery-store';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createChatAdapters } from './adapters/create-chat-adapters.ts';
import { loadCookieKey } from './adapters/web/web-keys.ts';
import { createBotApp } from './app.ts';
import { parseBotConfig } from './config.ts';

// A bad level is named with the other bad settings; until then the usual one serves.
const log = createLogger('bot', logLevelSetting.catch('info').parse(process.env['LOG_LEVEL']));

await runService('bot', log, async () => {
  const config = parseBotConfig(process.env);
  const { settings } = config;
  const db = createDatabase({
    url: settings.DATABASE_URL,
    poolSize: settings.DATABASE_POOL_SIZE,
    applicationName: 'atelier bot',
    log,
  });
  const app = await createBotApp({
    db,
    async prepareDatabase(signal) {
      await waitForDatabase(db, log, signal);
      await migrateDatabase(settings.DATABASE_URL);
    },
    connectBus: (signal) =>
      connectBus({ url: settings.NATS_URL, prefix: settings.NATS_PREFIX, service: 'bot', log, signal }),
    files: await createAssetStore({
      ...settings,
      ATELIER_ASSETS_DIR: settings.ATELIER_ASSETS_DIR ?? join(config.homeDir, 'assets'),
    }),
    keepsMetadata: !settings.ATELIER_STRIP_METADATA,
    web: config.web,
    publicUrl: config.publicUrl,
    admins: config.admins,
    budgets: config.budgets,
    readDiskSpace: () => readDiskSpace(settings.ATELIER_ASSETS_DIR ?? join(config.homeDir, 'assets')),
    pickRules: { ...defaultPickRules, ...config.limits },
    ...(config.retention === undefined ? {} : { retention: config.retention }),
    cookieKey: await loadCookieKey(config.homeDir),
    createAdapters: (chat) =>
      createChatAdapters(config, {
        chat,
        db,
        readMessageRefs: (requestId) => readMessageRefs(db, requestId),
        log,
        now: Date.now,
      }),
    log,
    now: Date.now,
    randomId: randomUUID,
  });
  return app.start();
});

/** Of the folder's disk; undefined where the files lie elsewhere. */
async function readDiskSpace(folder: string): Promise<{ free: number; total: number } | undefined> {
  try {
    const { bavail, blocks, bsize } = await statfs(folder);
    return { free: bavail * bsize, total: blocks * bsize };
  } catch {
    return undefined;
  }
}
