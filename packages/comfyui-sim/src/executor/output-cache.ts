import type { NodeId } from '@atelier/comfyui/graph/workflow';
import type { JsonObject } from '@atelier/comfyui/json/json';
import type { SimValue } from '../nodes/sim-value.ts';

/** ComfyUI's cache modes: `classic` keeps the last prompt's nodes, `lru` a number of nodes, `none` nothing. */
export type CacheMode = { kind: 'classic' } | { kind: 'lru'; maxNodes: number } | { kind: 'none' };

/** What a node gave: its output slots, and what an output node shows. */
export interface CachedNode {
  outputs: readonly SimValue[];
  ui?: { output: JsonObject; meta: JsonObject };
}

export interface OutputCache {
  /** Begins a prompt: `keys` are the signatures of its nodes. Classic caching drops all others here. */
  begin: (keys: ReadonlyMap<NodeId, string>) => void;
  /** Signatures of nodes that the running prompt grew. */
  extend: (keys: ReadonlyMap<NodeId, string>) => void;
  get: (id: NodeId) => CachedNode | undefined;
  set: (id: NodeId, value: CachedNode) => void;
  clear: () => void;
}

/** Caches by input signature (comfy_execution/caching.py, 0.3.64 to 0.8.0). */
export function createOutputCache(mode: CacheMode): OutputCache {
  /** In the order of last use, for `lru`. */
  const kept = new Map<string, CachedNode>();
  let keys = new Map<NodeId, string>();

  function trim(): void {
    if (mode.kind !== 'lru') return;
    const current = new Set(keys.values());
    for (const key of kept.keys()) {
      if (kept.size <= mode.maxNodes) break;
      if (!current.has(key)) kept.delete(key);
    }
  }

  return {
    begin: (next) => {
      keys = new Map(next);
      if (mode.kind === 'none') kept.clear();
      if (mode.kind === 'classic') {
        const current = new Set(keys.values());
        for (const key of kept.keys()) if (!current.has(key)) kept.delete(key);
      }
      trim();
    },
    extend: (more) => {
      for (const [id, key] of more) keys.set(id, key);
    },
    get: (id) => {
      const key = keys.get(id);
      const value = key === undefined ? undefined : kept.get(key);
      if (key !== undefined && value !== undefined && mode.kind === 'lru') {
        kept.delete(key);
        kept.set(key, value);
      }
      return value;
    },
    set: (id, value) => {
      const key = keys.get(id);
      if (key !== undefined) kept.set(key, value);
      trim();
    },
    clear: () => kept.clear(),
  };
}
