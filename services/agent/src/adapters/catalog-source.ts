import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { Database } from '@atelier/shared/db/connect-database';
import { readPolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import { readInstances } from '@atelier/shared/db/instances/instance-store';
import type { Logger } from '@atelier/shared/log/create-logger';
import { createCatalog, type Catalog } from '../core/catalog.ts';

export interface CatalogSourceOptions {
  db: Database;
  /** The text of a stored file. */
  readAssetText: (hash: string) => Promise<string>;
  log: Logger;
  /** How often Postgres is asked while a registry is known; while none is, 10 times as often. Default 3 s. */
  pollMs?: number;
}

export interface CatalogSource {
  /** Absent until a worker has published a registry that can be read. */
  current(): Catalog | undefined;
  /** Called when the first catalog, or another one, is there. Returns the way out. */
  onChange(listener: () => void): () => void;
  /** Looks now; calls at the same time share one look. Never rejects. */
  refresh(): Promise<void>;
  /** A worker gave a sign of life: looks, where this instance is not known yet. */
  noticeInstance(instanceId: string): void;
  start(): void;
  stop(): Promise<void>;
}

/**
 * Keeps what the servers can make in memory: registries as the workers published them, read once by content hash, and
 * the recipes fitted to them. Registries of living workers count; where none lives, those that were last known, so that
 * requests are planned and wait for a worker.
 */
export function createCatalogSource(options: CatalogSourceOptions): CatalogSource {
  const { db, log } = options;
  const pollMs = options.pollMs ?? 3_000;
  const recipes = listRecipes();
  const registries = new Map<string, Registry>();
  const unreadable = new Set<string>();
  const listeners = new Set<() => void>();
  let knownInstances = new Set<string>();
  let catalog: Catalog | undefined;
  let catalogKey = '';
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function loadRegistry(hash: string): Promise<Registry | undefined> {
    const known = registries.get(hash);
    if (known !== undefined) return known;
    try {
      const registry = parseRegistry(await options.readAssetText(hash));
      registries.set(hash, registry);
      unreadable.delete(hash);
      return registry;
    } catch (error) {
      // Said once; it is tried several times a second.
      if (!unreadable.has(hash)) {
        log.warn({ err: error, registry_hash: hash }, 'a published node registry cannot be read; trying again');
      }
      unreadable.add(hash);
      return undefined;
    }
  }

  async function look(): Promise<void> {
    const [known, rules] = await Promise.all([readInstances(db), readPolicyRules(db)]);
    const instances = known.filter(({ registryHash }) => registryHash !== null);
    const alive = instances.filter((instance) => instance.alive);
    const hashes = [
      ...new Set((alive.length > 0 ? alive : instances).flatMap(({ registryHash }) => registryHash ?? [])),
    ];
    const loaded = await Promise.all(hashes.map(loadRegistry));
    for (const hash of [...registries.keys(), ...unreadable]) {
      if (hashes.includes(hash)) continue;
      registries.delete(hash);
      unreadable.delete(hash);
    }
    const usable = loaded.filter((registry) => registry !== undefined);
    knownInstances = new Set(usable.length === hashes.length ? instances.map(({ id }) => id) : []);
    const decided = rules.map(({ subject, name, decision, reason }) => [subject, name, decision, reason]);
    const key = JSON.stringify([usable.map(({ hash }) => hash), decided]);
    if (usable.length === 0 || key === catalogKey) return;
    catalog = createCatalog(
      usable,
      recipes,
      rules.length === 0 ? defaultPolicy : applyPolicyRules(defaultPolicy, rules),
    );
    catalogKey = key;
    log.info(
      { registries: usable.length, recipes: catalog.list.recipes.filter(({ runnable }) => runnable).length },
      'the node registries were read',
    );
    for (const listener of listeners) listener();
  }

  function refresh(): Promise<void> {
    looking ??= look()
      .catch((error: unknown) => log.debug({ err: error }, 'the instances cannot be read; trying again'))
      .finally(() => (looking = undefined));
    return looking;
  }

  async function poll(): Promise<void> {
    await refresh();
    if (!stopped) timer = setTimeout(() => void poll(), catalog === undefined ? pollMs / 10 : pollMs);
  }

  return {
    current: () => catalog,
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    noticeInstance(instanceId) {
      if (!stopped && !knownInstances.has(instanceId)) void refresh();
    },
    start: () => void poll(),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
