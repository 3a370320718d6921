import { randomUUID } from 'node:crypto';
import { logLevelSetting } from '@atelier/shared/config/parse-config';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createPlatformParts } from '@atelier/shared/platform/create-platform-parts';
import { createGatewayApp } from './app.ts';
import { parseGatewayConfig } from './config.ts';
import { openDoor } from './door/create-door.ts';

// A bad level is named with the other bad settings; until then the usual one serves.
const log = createLogger('gateway', logLevelSetting.catch('info').parse(process.env['LOG_LEVEL']));

await runService('gateway', log, async () => {
  const config = parseGatewayConfig(process.env);
  const app = createGatewayApp({
    config,
    ...(await createPlatformParts('gateway', config.settings, { log, homeDir: config.homeDir })),
    log,
    now: Date.now,
    randomId: randomUUID,
    doors: [openDoor(config.door)],
  });
  return app.start();
});
