import { createAssetStore } from '@atelier/shared/assets/create-asset-store';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase, waitForDatabase } from '@atelier/shared/db/connect-database';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { readAssetText } from './adapters/read-asset-text.ts';
import { createPictureFiles } from './adapters/read-picture-files.ts';
import { createImageLoader } from './adapters/scaled-images.ts';
import { createAgentApp } from './app.ts';
import type { AgentModel } from './session/agent-model.ts';
import { parseAgentConfig, type AgentSettings, type ClaudeConfig } from './config.ts';

const log = createLogger('agent', process.env['LOG_LEVEL'] ?? 'info');

/** Anthropic's library is loaded only where a key is set: it is large. */
async function createModel(claude: ClaudeConfig, settings: AgentSettings): Promise<{ model: AgentModel } | undefined> {
  if (!claude.enabled) return undefined;
  const { createClaudeModel } = await import('./adapters/claude-model.ts');
  return { model: { ...settings, port: createClaudeModel({ ...claude, log }) } };
}

await runService('agent', log, async () => {
  const { settings, concurrency, limits, claude, agent } = parseAgentConfig(process.env);
  const assets = await createAssetStore(settings);
  const files = createPictureFiles(assets);
  const resources = new ResourceStack(log);
  try {
    const db = createDatabase({
      url: settings.DATABASE_URL,
      poolSize: settings.DATABASE_POOL_SIZE,
      applicationName: 'atelier-agent',
      log,
    });
    resources.use('database', () => db.close());
    await waitForDatabase(db, log);
    await migrateDatabase(settings.DATABASE_URL);
    const bus = await connectBus({ url: settings.NATS_URL, prefix: settings.NATS_PREFIX, service: 'agent', log });
    resources.use('bus', () => bus.close());
    const app = createAgentApp({
      db,
      bus,
      log,
      concurrency,
      limits,
      ...(await createModel(claude, agent)),
      files,
      loadImage: createImageLoader(files),
      readAssetText: (hash) => readAssetText(assets, hash),
    });
    resources.use('app', () => app.stop());
    await app.start();
  } catch (error) {
    await resources.close();
    throw error;
  }
  return { stop: () => resources.close() };
});
