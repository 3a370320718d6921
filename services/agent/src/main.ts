import { ResourceStack } from '@atelier/shared/lifecycle/resource-stack';
import { runService } from '@atelier/shared/lifecycle/run-service';
import { createLogger } from '@atelier/shared/log/create-logger';
import { createServiceCounters, type ServiceCounters } from '@atelier/shared/metrics/service-counters';
import { createPlatformParts } from '@atelier/shared/platform/create-platform-parts';
import { readAssetText } from './adapters/read-asset-text.ts';
import { countModel } from './adapters/count-model.ts';
import { createPictureFiles } from './adapters/read-picture-files.ts';
import { createImageLoader } from './adapters/scaled-images.ts';
import { createAgentApp } from './app.ts';
import type { AgentModel } from './session/agent-model.ts';
import { parseAgentConfig, type AgentSettings, type ClaudeConfig } from './config.ts';

const log = createLogger('agent', process.env['LOG_LEVEL'] ?? 'info');

/** Anthropic's library is loaded only where a key is set: it is large. */
async function createModel(
  claude: ClaudeConfig,
  settings: AgentSettings,
  counters: ServiceCounters,
): Promise<{ model: AgentModel } | undefined> {
  if (!claude.enabled) return undefined;
  const { createClaudeModel } = await import('./adapters/claude-model.ts');
  return {
    model: { ...settings, port: createClaudeModel({ ...claude, ...countModel(counters, settings.price), log }) },
  };
}

await runService('agent', log, async () => {
  const { settings, concurrency, limits, operators, questionExpiresMs, claude, agent } = parseAgentConfig(process.env);
  const { db, files: assets, ...platform } = await createPlatformParts('agent', settings, { log });
  const files = createPictureFiles(assets);
  const resources = new ResourceStack(log);
  const counters = createServiceCounters();
  try {
    resources.use('database', () => db.close());
    await platform.prepareDatabase();
    const bus = await platform.connectBus();
    resources.use('bus', () => bus.close());
    const app = createAgentApp({
      db,
      bus,
      log,
      concurrency,
      limits,
      operators,
      questionExpiresMs,
      ...(await createModel(claude, agent, counters)),
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
  return { stop: () => resources.close(), counters };
});
