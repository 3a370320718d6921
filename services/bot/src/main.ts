import { randomUUID } from 'node:crypto';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultPickRules } from '@atelier/queue/pick-job';
import { logLevelSetting } from '@atelier/shared/config/parse-config';
import { readMessageRefs } from '@atelier/shared/db/deliveries/delivery-store';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createServiceCounters } from '@atelier/shared/metrics/service-counters';
import { createPlatformParts } from '@atelier/shared/platform/create-platform-parts';
import { createChatAdapters } from './adapters/create-chat-adapters.ts';
import { loadCookieKey } from './adapters/web/web-keys.ts';
import { createBotApp } from './app.ts';
import { parseBotConfig } from './config.ts';

// A bad level is named with the other bad settings; until then the usual one serves.
const log = createLogger('bot', logLevelSetting.catch('info').parse(process.env['LOG_LEVEL']));

await runService('bot', log, async () => {
  const config = parseBotConfig(process.env);
  const { settings } = config;
  const parts = await createPlatformParts('bot', settings, { log, homeDir: config.homeDir });
  const { db } = parts;
  const counters = createServiceCounters();
  const app = await createBotApp({
    ...parts,
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
        counters,
        log,
        now: Date.now,
      }),
    log,
    now: Date.now,
    randomId: randomUUID,
  });
  return { ...(await app.start()), counters };
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
