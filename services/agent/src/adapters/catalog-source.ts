import { applyPolicyRules } from '@atelier/comfyui/policy/apply-policy-rules';
import { defaultPolicy } from '@atelier/comfyui/policy/default-policy';
import type { Policy } from '@atelier/comfyui/policy/policy';
import { listRecipes } from '@atelier/comfyui/recipes/list-recipes';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { Database } from '@atelier/shared/db/connect-database';
import { readPolicyRules } from '@atelier/shared/db/gateway/policy-rules';
import { readInstances, type InstanceRecord } from '@atelier/shared/db/instances/instance-store';
import { mayUseInstance, usableInstances } from '@atelier/shared/db/instances/usable-instances';
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
  /** Whether any registry is known. */
  readonly isReady: boolean;
  /**
   * What a person's requests are planned with: the instances that everybody may use, and those reserved for them; without
   * a person the former alone. `reserved`: every instance is kept for others. `unknown`: theirs have not told yet, or
   * cannot be read now.
   */
  find(personId?: string): Catalog | 'reserved' | 'unknown';
  /** All instances, whoever may use them: for what nothing is planned with. Undefined until one was read. */
  whole(): Catalog | undefined;
  /** Called when what is known has changed. Returns the way out. */
  onChange(listener: () => void): () => void;
  /** Looks now; calls at the same time share one look. Never rejects. */
  refresh(): Promise<void>;
  /** A worker gave a sign of life: looks, where this instance is not known yet. */
  noticeInstance(instanceId: string): void;
  start(): void;
  stop(): Promise<void>;
}

/** Everything as of the last look. */
interface Known {
  instances: readonly InstanceRecord[];
  /** What operators have decided, as text. */
  decided: string;
  policy: Policy;
  /** By the hashes of their registries, in order. Fitted when first asked for. */
  catalogs: Map<string, Catalog>;
}

/**
 * Keeps what the servers can make in memory: registries as the workers published them, read once by content hash, and
 * the recipes fitted to them, for each set of instances that some person may use. Registries of living workers count; where
 * none lives, those that were last known, so that requests are planned and wait for a worker.
 */
export function createCatalogSource(options: CatalogSourceOptions): CatalogSource {
  const { db, log } = options;
  const pollMs = options.pollMs ?? 3_000;
  const recipes = listRecipes();
  const registries = new Map<string, Registry>();
  const unreadable = new Set<string>();
  const listeners = new Set<() => void>();
  let known: Known = { instances: [], decided: '[]', policy: defaultPolicy, catalogs: new Map() };
  let knownKey = '';
  let looking: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  async function loadRegistry(hash: string): Promise<void> {
    if (registries.has(hash)) return;
    try {
      registries.set(hash, parseRegistry(await options.readAssetText(hash)));
      unreadable.delete(hash);
    } catch (error) {
      // Said once; it is tried several times a second.
      if (!unreadable.has(hash)) {
        log.warn({ err: error, registry_hash: hash }, 'a published node registry cannot be read; trying again');
      }
      unreadable.add(hash);
    }
  }

  async function look(): Promise<void> {
    const [instances, rules] = await Promise.all([readInstances(db), readPolicyRules(db)]);
    const wanted = hashesInUse(instances);
    await Promise.all(wanted.map(loadRegistry));
    for (const hash of [...registries.keys(), ...unreadable]) {
      if (wanted.includes(hash)) continue;
      registries.delete(hash);
      unreadable.delete(hash);
    }
    const uses = instances.map(({ id, alive, registryHash, reservedFor }) => [id, alive, registryHash, reservedFor]);
    const decided = JSON.stringify(
      rules.map(({ subject, name, decision, reason }) => [subject, name, decision, reason]),
    );
    const key = JSON.stringify([uses, [...registries.keys()], decided]);
    if (key === knownKey) return;
    const isSame = decided === known.decided;
    const kept = [...known.catalogs].filter(([hashes]) => hashes.split(' ').every((hash) => registries.has(hash)));
    known = {
      instances,
      decided,
      policy: isSame ? known.policy : rules.length === 0 ? defaultPolicy : applyPolicyRules(defaultPolicy, rules),
      catalogs: new Map(isSame ? kept : []),
    };
    knownKey = key;
    if (registries.size === 0) return;
    log.info({ registries: registries.size, instances: instances.length }, 'the node registries were read');
    for (const listener of listeners) listener();
  }

  function catalogOf(hashes: readonly string[]): Catalog | undefined {
    const readable = [...new Set(hashes)].filter((hash) => registries.has(hash));
    const key = readable.join(' ');
    const made = known.catalogs.get(key);
    if (made !== undefined) return made;
    const usable = readable.flatMap((hash) => registries.get(hash) ?? []);
    if (usable.length === 0) return undefined;
    const catalog = createCatalog(usable, recipes, known.policy);
    known.catalogs.set(key, catalog);
    return catalog;
  }

  function refresh(): Promise<void> {
    looking ??= look()
      .catch((error: unknown) => log.debug({ err: error }, 'the instances cannot be read; trying again'))
      .finally(() => (looking = undefined));
    return looking;
  }

  async function poll(): Promise<void> {
    await refresh();
    if (!stopped) timer = setTimeout(() => void poll(), registries.size === 0 ? pollMs / 10 : pollMs);
  }

  return {
    get isReady() {
      return registries.size > 0;
    },
    find(personId) {
      const { instances } = known;
      const catalog = catalogOf(usableInstances(instances, personId).map(({ registryHash }) => registryHash));
      if (catalog !== undefined) return catalog;
      const isKept = instances.length > 0 && !instances.some((instance) => mayUseInstance(instance, personId));
      return isKept ? 'reserved' : 'unknown';
    },
    whole: () => catalogOf(hashesInUse(known.instances)),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    noticeInstance(instanceId) {
      const instance = known.instances.find(({ id }) => id === instanceId);
      const isRead = instance?.alive === true && registries.has(instance.registryHash ?? '');
      if (!stopped && !isRead) void refresh();
    },
    start: () => void poll(),
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** The registries that somebody's requests are planned with: everybody's first. */
function hashesInUse(instances: readonly InstanceRecord[]): string[] {
  const people = new Set(instances.flatMap(({ reservedFor }) => reservedFor ?? []));
  const used = [undefined, ...people].flatMap((personId) => usableInstances(instances, personId));
  return [...new Set(used.map(({ registryHash }) => registryHash))];
}
