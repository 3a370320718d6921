import type { FaultBoard } from '../faults/fault-board.ts';
import type { Inventory } from '../inventory/inventory.ts';
import type { SimRegistry } from '../registry/sim-registry.ts';
import type { VersionTraits } from '../version/sim-version.ts';
import { emptyAnswer, jsonAnswer } from './http-exchange.ts';
import type { HttpAnswer, Route } from './http-exchange.ts';

export interface ModelRouteDependencies {
  registry: SimRegistry;
  inventory: Inventory;
  traits: VersionTraits;
  faults: FaultBoard;
  delay: (ms: number) => Promise<void>;
}

function jsonText(body: string): HttpAnswer {
  return { status: 200, headers: { 'content-type': 'application/json; charset=utf-8' }, body };
}

/** `/object_info`, `/models` and `/embeddings`. */
export function createModelRoutes({ registry, inventory, traits, faults, delay }: ModelRouteDependencies): Route {
  async function objectInfo(): Promise<HttpAnswer> {
    const slow = faults.take('slow-object-info');
    if (slow !== undefined) await delay(slow.delayMs);
    return jsonText(registry.text());
  }

  return ({ method, path }) => {
    if (method !== 'GET') return undefined;
    if (path === '/object_info') return objectInfo();
    if (path.startsWith('/object_info/')) return jsonText(registry.classText(path.slice('/object_info/'.length)));
    if (path === '/models') return jsonAnswer([...traits.modelFolders]);
    if (path === '/embeddings')
      return jsonAnswer((inventory['embeddings'] ?? []).map((name) => name.replace(/\.[^.]*$/, '')));
    if (path.startsWith('/view_metadata/')) return emptyAnswer(404);
    const folder = path.startsWith('/models/') ? path.slice('/models/'.length) : undefined;
    if (folder === undefined) return undefined;
    return traits.modelFolders.includes(folder) ? jsonAnswer([...(inventory[folder] ?? [])]) : emptyAnswer(404);
  };
}
