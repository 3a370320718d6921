import { text } from 'node:stream/consumers';
import type { JsonObject } from '@atelier/comfyui/json/json';
import { modelFolders } from '@atelier/comfyui/registry/model-folders';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import { readInstances, readRegistryOffers, type InstanceRecord } from '@atelier/shared/db/instances/instance-store';
import type { GatewayParts } from '../ports.ts';
import type { DoorServer } from './core/judge-prompt.ts';
import { mergeObjectInfo, type ObjectInfo } from './core/object-info.ts';
import { serversOf } from './core/servers-of.ts';

/** What the ComfyUI servers behind the door have for a person: their reserved ones first, nobody else's. */
export interface DoorCatalog {
  /** Servers with a living worker, or all that ever told what they have. Empty: none did yet. */
  serversFor(personId: string): Promise<DoorServer[]>;
  objectInfo(personId: string): Promise<ObjectInfo>;
  /** Model files by folder. */
  models(personId: string): Promise<ReadonlyMap<string, readonly string[]>>;
  systemStats(personId: string): Promise<JsonObject>;
  /** Ids of all servers with a living worker. */
  livingIds(): Promise<string[]>;
  stop(): void;
}

/** How long a look at the servers serves: prompts come in bursts. Older than the second, it is looked before anything is answered. */
const freshMs = 1_000;
const staleMs = 5_000;
/** What the servers have takes tens of megabytes when it is read: it goes when nobody has asked for a while. */
const idleMs = 10 * 60_000;
/** People with reserved servers see another list than the others. */
const maxLists = 8;
const fallbackVersion = '0.8.0';

export function createDoorCatalog({ db, files }: Pick<GatewayParts, 'db' | 'files'>): DoorCatalog {
  const registries = new Map<string, Promise<Registry>>();
  const lists = new Map<string, Promise<ObjectInfo>>();
  let looked: { at: number; instances: Promise<InstanceRecord[]> } | undefined;
  let looking = false;
  let idle: NodeJS.Timeout | undefined;

  /** What was seen a moment ago serves while it is looked again. */
  function look(): Promise<InstanceRecord[]> {
    const before = looked;
    const ageMs = before === undefined ? Infinity : performance.now() - before.at;
    if (before !== undefined && (ageMs <= freshMs || looking)) return before.instances;
    looking = true;
    const at = performance.now();
    const reading = readInstances(db);
    reading
      .then(
        (instances) => {
          looked = { at, instances: reading };
          keepCurrent(instances);
        },
        () => {
          looked = undefined;
        },
      )
      .finally(() => (looking = false));
    if (before !== undefined && ageMs <= staleMs) return before.instances;
    looked = { at, instances: reading };
    return reading;
  }

  function keepCurrent(instances: readonly InstanceRecord[]): void {
    const current = new Set(instances.map(({ registryHash }) => registryHash));
    for (const hash of registries.keys()) if (!current.has(hash)) registries.delete(hash);
    for (const key of lists.keys()) if (!key.split(' ').every((hash) => current.has(hash))) lists.delete(key);
  }

  function note(): void {
    idle?.refresh();
    idle ??= setTimeout(() => {
      registries.clear();
      lists.clear();
      idle = undefined;
    }, idleMs).unref();
  }

  const read = async (hash: string): Promise<string> => text(await files.get(hash));

  function kept<T>(map: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
    note();
    const known = map.get(key);
    if (known !== undefined) return known;
    const making = make();
    map.set(key, making);
    making.catch(() => map.delete(key));
    return making;
  }

  async function hashesFor(personId: string): Promise<string[]> {
    return [...new Set(serversOf(await look(), personId).map(({ registryHash }) => registryHash))];
  }

  return {
    async serversFor(personId) {
      return Promise.all(
        serversOf(await look(), personId).map(async ({ id, registryHash, version }) => ({
          id,
          version,
          registry: await kept(registries, registryHash, async () => parseRegistry(await read(registryHash))),
        })),
      );
    },
    async objectInfo(personId) {
      const hashes = await hashesFor(personId);
      const [oldest] = lists.keys();
      if (lists.size >= maxLists && oldest !== undefined && !lists.has(hashes.join(' '))) lists.delete(oldest);
      return kept(lists, hashes.join(' '), async () => mergeObjectInfo(await Promise.all(hashes.map(read))));
    },
    async models(personId) {
      const found = new Map<string, string[]>(modelFolders.map((folder) => [folder, []]));
      for (const { models } of await readRegistryOffers(db, await hashesFor(personId))) {
        for (const path of models ?? []) {
          const slash = path.indexOf('/');
          const [folder, name] = [path.slice(0, slash), path.slice(slash + 1)];
          const names = found.get(folder) ?? [];
          if (!names.includes(name)) names.push(name);
          found.set(folder, names);
        }
      }
      return found;
    },
    async systemStats(personId) {
      const ids = new Set(serversOf(await look(), personId).map(({ id }) => id));
      const own = (await look()).filter(({ id }) => ids.has(id));
      return {
        system: {
          os: 'linux',
          ram_total: 0,
          ram_free: 0,
          comfyui_version: own[0]?.status?.comfyuiVersion ?? fallbackVersion,
          required_frontend_version: null,
          installed_templates_version: null,
          required_templates_version: null,
          python_version: '',
          pytorch_version: '',
          embedded_python: false,
          argv: [],
        },
        devices: own.map(({ id, status }, index) => ({
          name: status?.deviceName ?? id,
          type: 'cuda',
          index,
          vram_total: status?.vramTotal ?? 0,
          vram_free: status?.vramFree ?? 0,
          torch_vram_total: status?.vramTotal ?? 0,
          torch_vram_free: status?.vramFree ?? 0,
        })),
      };
    },
    livingIds: async () => (await look()).flatMap(({ id, alive }) => (alive ? [id] : [])),
    stop() {
      clearTimeout(idle);
      registries.clear();
      lists.clear();
    },
  };
}
