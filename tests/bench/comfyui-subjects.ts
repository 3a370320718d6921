import { convertToFrontend } from '@atelier/comfyui/convert/to-frontend';
import { createGraph } from '@atelier/comfyui/graph/create-graph';
import type { Workflow } from '@atelier/comfyui/graph/workflow';
import { isJsonObject } from '@atelier/comfyui/json/is-json-object';
import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import { parseJson } from '@atelier/comfyui/json/parse-json';
import { stringifyJson } from '@atelier/comfyui/json/stringify-json';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import type { Registry } from '@atelier/comfyui/registry/registry';

/** What a server of ComfyUI 0.8.0 with `count` classes would answer: the recorded ones, then copies of them in made-up packs. */
export function largeObjectInfo(count: number): string {
  const recorded = parseJson(readRecordedObjectInfo('0.8.0'));
  const entries = isJsonObject(recorded) ? Object.entries(recorded) : [];
  const all: JsonObject = {};
  for (let index = 0; index < count; index += 1) {
    const [name, declaration] = entries[index % entries.length] ?? ['', null];
    const copy = Math.floor(index / entries.length);
    all[copy === 0 ? name : `${name}Pack${copy}`] = copy === 0 ? declaration : copied(declaration, name, copy);
  }
  return stringifyJson(all);
}

/** A copy differs in what a pack's author would write: names, category, a description. */
function copied(declaration: Json, name: string, copy: number): Json {
  if (!isJsonObject(declaration)) return declaration;
  const title = typeof declaration['display_name'] === 'string' ? declaration['display_name'] : name;
  const category = typeof declaration['category'] === 'string' ? declaration['category'] : '';
  return {
    ...declaration,
    name: `${name}Pack${copy}`,
    display_name: `${title} (pack ${copy})`,
    category: `pack ${copy}/${category}`,
    description: `Does what ${title} does, in the way of pack ${copy}.`,
    python_module: `custom_nodes.pack_${copy}`,
  };
}

/** Text to image, then as many further passes as fit: an upscale of the latent and a second sampling each, all with own prompts. */
export function longWorkflow(nodes: number): Workflow {
  let graph = createGraph();
  const add = (classType: string, inputs: Record<string, Json>): string => {
    const added = graph.add(classType, inputs);
    graph = added.graph;
    return added.node.id;
  };
  const model = add('CheckpointLoaderSimple', { ckpt_name: 'tiny-a.safetensors' });
  let latent = add('EmptyLatentImage', { width: 512, height: 512, batch_size: 1 });
  for (let pass = 0; Object.keys(graph.workflow).length + 6 <= nodes; pass += 1) {
    const positive = add('CLIPTextEncode', { text: `a red fox in snow, pass ${pass}`, clip: [model, 1] });
    const negative = add('CLIPTextEncode', { text: 'blurry, low quality', clip: [model, 1] });
    const scaled = add('LatentUpscaleBy', { samples: [latent, 0], upscale_method: 'nearest-exact', scale_by: 1.05 });
    latent = add('KSampler', {
      seed: 18_446_744_073_709_551_615n,
      steps: 20,
      cfg: 7.5,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 0.6,
      model: [model, 0],
      positive: [positive, 0],
      negative: [negative, 0],
      latent_image: [scaled, 0],
    });
    const image = add('VAEDecode', { samples: [latent, 0], vae: [model, 2] });
    add('SaveImage', { images: [image, 0], filename_prefix: `pass_${pass}` });
  }
  while (Object.keys(graph.workflow).length < nodes)
    add('EmptyLatentImage', { width: 512, height: 512, batch_size: 1 });
  return graph.workflow;
}

/**
 * A front-end file whose conversion gives at least `nodes` nodes, most of them inside subgraphs: each instance of the subgraph
 * holds one pass of text to image, which takes the model through its inputs.
 */
export function workflowWithSubgraphs(registry: Registry, nodes: number): Json {
  const pass = convertToFrontend(longWorkflow(8), registry).workflow;
  const inner = objectsIn(pass['nodes']);
  const loader = inner.find((node) => node['type'] === 'CheckpointLoaderSimple');
  const outputs = objectsIn(loader?.['outputs']);
  const links = listOf(pass['links']).map((link) => subgraphLink(link, Number(loader?.['id'])));
  const subgraph: Json = {
    id: 'c0ffee00-0000-4000-8000-000000000001',
    name: 'One pass',
    inputs: outputs.map((output, slot): Json => ({
      id: `input-${slot}`,
      name: output['name'] ?? '',
      type: output['type'] ?? '*',
      linkIds: links.flatMap((link) =>
        link['origin_id'] === -10 && link['origin_slot'] === slot ? [link['id'] ?? 0] : [],
      ),
    })),
    outputs: [],
    widgets: [],
    nodes: inner.filter((node) => node !== loader),
    links,
  };
  const instances = Math.ceil((nodes - 1) / (inner.length - 1));
  const rootLinks: Json[] = [];
  const instanceNodes = Array.from({ length: instances }, (_, index): Json => ({
    id: index + 100,
    type: 'c0ffee00-0000-4000-8000-000000000001',
    mode: 0,
    inputs: outputs.map((output, slot): Json => {
      const id = rootLinks.length + 1;
      rootLinks.push([id, 1, slot, index + 100, slot, output['type'] ?? '*']);
      return { name: output['name'] ?? '', type: output['type'] ?? '*', link: id };
    }),
    outputs: [],
    properties: {},
  }));
  return {
    version: 0.4,
    nodes: [{ ...loader, id: 1 }, ...instanceNodes],
    links: rootLinks,
    definitions: { subgraphs: [subgraph] },
  };
}

/** Links inside a subgraph are objects; those that left the loader come from the subgraph's inputs. */
function subgraphLink(link: Json, loaderId: number): JsonObject {
  const [id = 0, from = 0, fromSlot = 0, to = 0, toSlot = 0, type = '*'] = listOf(link);
  const origin = from === loaderId ? -10 : from;
  return { id, origin_id: origin, origin_slot: fromSlot, target_id: to, target_slot: toSlot, type };
}

function listOf(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

function objectsIn(value: Json | undefined): JsonObject[] {
  return listOf(value).filter(isJsonObject);
}
