import { text } from 'node:stream/consumers';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { guessModelFamily } from '@atelier/comfyui/registry/model-family';
import { readInstances, readRegistryOffers } from '@atelier/shared/db/instances/instance-store';
import { usableInstances } from '@atelier/shared/db/instances/usable-instances';
import { problem } from '../../core/problems/to-problem.ts';
import type { GatewayParts } from '../../ports.ts';

export interface ModelEntry {
  folder: string;
  name: string;
  family: string;
  /** Servers that have it. */
  instances: string[];
}

/** What the ComfyUI servers have, as their workers published it: servers with a living worker, or all where none lives. */
export interface NodeSource {
  /** On the servers that a person may use. */
  models(personId: string): Promise<ModelEntry[]>;
  /** One registry for each different server that a person may use; without a person, of all servers. */
  registries(personId?: string): Promise<Registry[]>;
  stop(): void;
}

/** A parsed registry takes many times its text: it goes when nobody has asked for a while. */
const idleMs = 5 * 60_000;
const maxTextBytes = 64 * 1_024 * 1_024;

export function createNodeSource(parts: Pick<GatewayParts, 'db' | 'files' | 'log'>): NodeSource {
  const { db, files, log } = parts;
  const parsed = new Map<string, Promise<Registry>>();
  let timer: NodeJS.Timeout | undefined;

  async function current(personId?: string): Promise<{ id: string; registryHash: string }[]> {
    const all = await readInstances(db);
    forgetAllBut(new Set(all.map(({ registryHash }) => registryHash)));
    // Without a person nothing is kept for others.
    return usableInstances(
      personId === undefined ? all.map((instance) => ({ ...instance, reservedFor: null })) : all,
      personId,
    );
  }

  async function load(hash: string): Promise<Registry> {
    const info = await files.head(hash);
    if (info === undefined || info.bytes > maxTextBytes) throw serversUnknown();
    return parseRegistry(await text(await files.get(hash)));
  }

  function forgetAllBut(hashes: ReadonlySet<string | null>): void {
    for (const hash of parsed.keys()) if (!hashes.has(hash)) parsed.delete(hash);
    clearTimeout(timer);
    timer = setTimeout(() => parsed.clear(), idleMs);
    timer.unref();
  }

  return {
    async models(personId) {
      const instances = await current(personId);
      const offers = await readRegistryOffers(db, [...new Set(instances.map(({ registryHash }) => registryHash))]);
      const entries = new Map<string, ModelEntry>();
      for (const { registryHash, models } of offers) {
        const having = instances.filter((instance) => instance.registryHash === registryHash).map(({ id }) => id);
        for (const path of models ?? []) {
          const slash = path.indexOf('/');
          const [folder, name] = [path.slice(0, slash), path.slice(slash + 1)];
          const entry = entries.get(path) ?? { folder, name, family: guessModelFamily(name), instances: [] };
          entries.set(path, { ...entry, instances: [...entry.instances, ...having] });
        }
      }
      return [...entries.values()].toSorted((a, b) => a.folder.localeCompare(b.folder) || a.name.localeCompare(b.name));
    },
    async registries(personId) {
      const hashes = [...new Set((await current(personId)).map(({ registryHash }) => registryHash))];
      if (hashes.length === 0) throw serversUnknown();
      return Promise.all(
        hashes.map((hash) => {
          const known = parsed.get(hash);
          if (known !== undefined) return known;
          const loading = load(hash);
          parsed.set(hash, loading);
          loading.catch((error: unknown) => {
            parsed.delete(hash);
            log.warn({ err: error, registry_hash: hash }, 'a published node registry cannot be read');
          });
          return loading;
        }),
      );
    },
    stop() {
      clearTimeout(timer);
      parsed.clear();
    },
  };
}

function serversUnknown() {
  return problem(
    'CONNECTION_ERROR',
    'No ComfyUI has told what it has yet: try again in a moment.',
    '尚无 ComfyUI 上报其节点：请稍后再试。',
  );
}
