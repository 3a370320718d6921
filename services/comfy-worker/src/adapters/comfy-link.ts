import { createHash } from 'node:crypto';
import type { ComfyClient } from '@atelier/comfyui/client/comfy-client';
import type { ComfySocket } from '@atelier/comfyui/client/comfy-socket';
import { listModels } from '@atelier/comfyui/registry/models';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';
import type { AssetStore } from '@atelier/shared/assets/asset-store';
import type { LiveWorkerStatus } from '@atelier/shared/contracts/live';
import type { Logger } from '@atelier/shared/log/create-logger';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ComfyLinkOptions {
  client: ComfyClient;
  socket: ComfySocket;
  assets: AssetStore;
  log: Logger;
  /** Between tries and looks. */
  everyMs: number;
  /** Stores the registry's hash, classes and model files (`folder/name`) with the instance. */
  publishRegistry: (registry: { hash: string; classes: string[]; models: string[] }) => Promise<void>;
  /** ComfyUI came or went. */
  onChange: (available: boolean) => void;
  /** After every look. */
  onLook: (answers: boolean) => void;
  /** Somebody else's prompt is in ComfyUI that was not there at the look before. */
  onForeign: () => void;
}

export interface ComfyLink {
  /** It answered at the last look, and its registry is known. */
  readonly available: boolean;
  readonly classes: ReadonlySet<string>;
  /** Model files that its loaders list, as `folder/name`. */
  readonly models: ReadonlySet<string>;
  /** As it was last read; absent before the first look. */
  readonly registry: Registry | undefined;
  status(): Partial<LiveWorkerStatus>;
  /** Looks and reports until the signal fires. */
  run(signal: AbortSignal): Promise<void>;
}

/** How long a registry is believed before it is read again: models and nodes come and go without a sign. */
const registryMaxAgeMs = 600_000;

/**
 * Watches one ComfyUI: whether it answers, what it has, how much memory it uses. Publishes its node registry as an
 * asset by content hash, so that nobody else needs to reach it.
 */
export function createComfyLink(options: ComfyLinkOptions): ComfyLink {
  const { client, log } = options;
  let available = false;
  let classes: ReadonlySet<string> = new Set();
  let models: ReadonlySet<string> = new Set();
  let status: Partial<LiveWorkerStatus> = {};
  let registry: Registry | undefined;
  let registryHash: string | undefined;
  let foreignIds: ReadonlySet<string> = new Set();
  let registryReadAt = -Infinity;
  let saidAway = false;

  async function refreshRegistry(signal: AbortSignal): Promise<void> {
    const text = await client.objectInfo({ signal });
    registryReadAt = performance.now();
    const hash = createHash('sha256').update(text).digest('hex');
    if (hash === registryHash) return;
    registry = parseRegistry(text);
    classes = new Set(registry.classes.keys());
    models = new Set(
      [...listModels(registry).byFolder].flatMap(([folder, files]) => files.map(({ name }) => `${folder}/${name}`)),
    );
    const stored = await options.assets.put(Buffer.from(text), {
      mediaType: 'application/json',
      maxBytes: Buffer.byteLength(text),
    });
    await options.publishRegistry({ hash: stored.hash, classes: [...classes], models: [...models] });
    registryHash = hash;
    log.info({ classes: classes.size, hash: stored.hash.slice(0, 12) }, 'published the node registry');
  }

  async function lookOnce(signal: AbortSignal): Promise<void> {
    const [stats, queue] = await Promise.all([client.systemStats({ signal }), client.queue({ signal })]);
    const device = stats.devices[0];
    const foreign = [...queue.running, ...queue.pending].filter((item) => item.extraData['atelier'] === undefined);
    status = {
      ...(stats.comfyuiVersion === undefined ? {} : { comfyuiVersion: stats.comfyuiVersion }),
      ...(device === undefined
        ? {}
        : { vramTotal: device.vramTotalBytes, vramFree: device.vramFreeBytes, deviceName: device.name }),
      foreignPrompts: foreign.length,
    };
    const before = foreignIds;
    foreignIds = new Set(foreign.map(({ promptId }) => promptId));
    if (foreign.some(({ promptId }) => !before.has(promptId))) options.onForeign();
    if (!available || performance.now() - registryReadAt > registryMaxAgeMs) await refreshRegistry(signal);
  }

  return {
    get available() {
      return available;
    },
    get classes() {
      return classes;
    },
    get models() {
      return models;
    },
    get registry() {
      return registry;
    },
    status: () => status,
    async run(signal) {
      while (!signal.aborted) {
        const before = available;
        try {
          await lookOnce(signal);
          available = true;
          saidAway = false;
          if (!before) log.info({ version: status.comfyuiVersion, device: status.deviceName }, 'ComfyUI answers');
        } catch (error) {
          if (signal.aborted) return;
          available = false;
          status = {};
          if (!saidAway) log.warn({ err: error }, 'ComfyUI does not answer; waiting for it');
          saidAway = true;
        }
        if (available !== before) options.onChange(available);
        options.onLook(available);
        await sleep(available ? options.everyMs : Math.min(options.everyMs, 1_000), undefined, { signal }).catch(
          () => {},
        );
      }
    },
  };
}
