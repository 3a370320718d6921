import type { Json, JsonObject } from '../../json/json.ts';

/** A slot as the front end saves it: a type, and the link that enters. */
export function slot(name: string, type: string, link: number | null = null, widget = false): Json {
  return { name, type, link, ...(widget ? { widget: { name } } : {}) };
}

/** A node with the fields that every saved node has. */
export function node(id: number, type: string, fields: JsonObject = {}): JsonObject {
  return {
    id,
    type,
    pos: [0, 0],
    size: [200, 100],
    flags: {},
    order: 0,
    mode: 0,
    inputs: [],
    outputs: [],
    properties: {},
    ...fields,
  };
}

/** An output slot; its type is its name unless said otherwise. */
export function out(name: string, type = name): Json {
  return { name, type, links: [] };
}

/** A link as schema 1.0 and subgraphs save it; elsewhere links are lists. */
export function linkObject(id: number, from: Json, fromSlot: number, to: Json, toSlot: number): Json {
  return { id, origin_id: from, origin_slot: fromSlot, target_id: to, target_slot: toSlot, type: '*' };
}

/** Node 4: outputs MODEL, CLIP and VAE. */
export const LOADER = node(4, 'CheckpointLoaderSimple', {
  outputs: [out('MODEL'), out('CLIP'), out('VAE')],
  widgets_values: ['tiny-a.safetensors'],
});

/** A VAEDecode with links into samples and vae. */
export function decode(id: number, samples: number | null, vae: number | null): JsonObject {
  return node(id, 'VAEDecode', {
    inputs: [slot('samples', 'LATENT', samples), slot('vae', 'VAE', vae)],
    outputs: [out('IMAGE')],
  });
}
