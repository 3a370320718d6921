import sharp from 'sharp';
import { createAssetStore } from '@atelier/shared/assets/create-asset-store';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase } from '@atelier/shared/db/connect-database';
import { prepareDatabase } from '@atelier/shared/db/prepare-database';
import { createOutboxRelay } from '@atelier/shared/db/outbox-relay';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createWorkerApp } from './app.ts';
import { parseWorkerConfig } from './config.ts';

/** Of the lease's 7 s enough is left to connect anew and renew it. */
const databaseAnswerMs = 4_000;

const log = createLogger('comfy-worker', process.env['LOG_LEVEL'] || 'info');

// Thumbnails are made one at a time, beside the GPU's own work: little memory before much speed.
sharp.cache(false);
sharp.concurrency(1);

await runService('comfy-worker', log, async () => {
  const config = parseWorkerConfig(process.env);
  const resources = new ResourceStack(log);
  const db = createDatabase({
    url: config.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: 'atelier comfy-worker',
    answerMs: databaseAnswerMs,
    log,
  });
  resources.use('database', () => db.close());
  await prepareDatabase(db, config.databaseUrl, log);
  const bus = await connectBus({ url: config.natsUrl, prefix: config.natsPrefix, service: 'comfy-worker', log });
  resources.use('bus', () => bus.close());
  const relay = createOutboxRelay({ db, publish: (row) => bus.publishOutbox(row), log });
  resources.use('outbox relay', () => relay.stop());
  const assets = await createAssetStore(config.assets);
  const running = createWorkerApp({ config, db, bus, relay, assets, log }).start();
  resources.use('worker', () => running.stop());
  return { ...running, stop: () => resources.close(config.timings.drainMs + 10_000) };
});
