import { createAssetStore } from '@atelier/shared/assets/create-asset-store';
import { connectBus } from '@atelier/shared/bus/connect-bus';
import { createDatabase, waitForDatabase } from '@atelier/shared/db/connect-database';
import { migrateDatabase } from '@atelier/shared/db/migrate-database';
import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { readAssetText } from './adapters/read-asset-text.ts';
import { createAgentApp } from './app.ts';
import { parseAgentConfig, type ClaudeConfig } from './config.ts';
import { createOfflineWordsPlanner } from './core/read-words-offline.ts';
import type { WordsPlanner } from './ports.ts';

const log = createLogger('agent', process.env['LOG_LEVEL'] ?? 'info');

/** Anthropic's library is loaded only where a key is set: it is large. */
async function createWordsPlanner(claude: ClaudeConfig): Promise<WordsPlanner> {
  const offline = createOfflineWordsPlanner();
  if (!claude.enabled) return offline;
  const { createClaudeWordsPlanner } = await import('./adapters/claude-words-planner.ts');
  return createClaudeWordsPlanner({ ...claude, offline, log });
}

await runService('agent', log, async () => {
  const { settings, concurrency, claude } = parseAgentConfig(process.env);
  const assets = await createAssetStore(settings);
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
      words: await createWordsPlanner(claude),
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
