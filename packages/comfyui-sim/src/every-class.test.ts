import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Workflow, WorkflowNode } from '@atelier/comfyui/graph/workflow';
import { isLink } from '@atelier/comfyui/graph/workflow';
import type { Json } from '@atelier/comfyui/json/json';
import { parseRegistry } from '@atelier/comfyui/registry/parse-registry';
import { readRecordedObjectInfo } from '@atelier/comfyui/registry/recorded-registry';
import type { NodeClass, NodeInput, Registry } from '@atelier/comfyui/registry/registry';
import { createSimulator } from './create-simulator.ts';
import type { Simulator } from './create-simulator.ts';
import { exampleImage } from './picture/example-image.ts';
import { connectSimClient } from './testing/sim-client.ts';
import type { SimClient } from './testing/sim-client.ts';

/** Where a value of a type comes from: small sources, so that each run is short. */
const sources: Readonly<Record<string, WorkflowNode>> = {
  IMAGE: { class_type: 'EmptyImage', inputs: { width: 16, height: 16, batch_size: 2, color: 255 } },
  MASK: { class_type: 'SolidMask', inputs: { width: 16, height: 16, value: 0.5 } },
  LATENT: { class_type: 'EmptyLatentImage', inputs: { width: 16, height: 16, batch_size: 1 } },
  MODEL: { class_type: 'UNETLoader', inputs: { unet_name: 'flow-dev.safetensors', weight_dtype: 'default' } },
  CLIP: { class_type: 'CLIPLoader', inputs: { clip_name: 'clip_l.safetensors', type: 'stable_diffusion' } },
  VAE: { class_type: 'VAELoader', inputs: { vae_name: 'ae.safetensors' } },
  CONDITIONING: { class_type: 'CLIPTextEncode', inputs: { text: 'a boat', clip: ['CLIP', 0] } },
};

function sourceFor(
  registry: Registry,
  type: string,
  workflow: Record<string, WorkflowNode>,
  depth: number,
): Json | undefined {
  if (workflow[type] !== undefined) return [type, 0];
  const known = sources[type];
  if (known !== undefined) {
    workflow[type] = known;
    for (const value of Object.values(known.inputs)) if (isLink(value)) sourceFor(registry, value[0], workflow, depth);
    return [type, 0];
  }
  if (depth > 4) return undefined;
  for (const nodeClass of registry.classes.values()) {
    const slot = nodeClass.outputs.findIndex((output) => output.type === type);
    if (
      slot === -1 ||
      nodeClass.isApiNode ||
      nodeClass.inputs.some((input) => input.group === 'required' && input.type === type)
    )
      continue;
    const draft = { ...workflow };
    const node = nodeOf(registry, nodeClass, draft, depth + 1);
    if (node === undefined) continue;
    Object.assign(workflow, draft, { [type]: node });
    return [type, slot];
  }
  return undefined;
}

function literalFor(input: NodeInput): Json | undefined {
  if (input.upload !== undefined) return 'example.png';
  if (input.options !== undefined) return input.options[0];
  // Sizes and counts as small as allowed.
  if (input.type === 'INT')
    return input.min !== undefined && /width|height|length|batch|steps|count|size/.test(input.name)
      ? Math.max(1, Number(input.min))
      : (input.default ?? 1);
  if (input.type === 'FLOAT') return input.default ?? 1;
  if (input.type === 'BOOLEAN') return input.default ?? false;
  return input.type === 'STRING' ? (input.default ?? 'text') : undefined;
}

/** A node of the class with its required inputs filled, or undefined where that cannot be done plainly. */
function nodeOf(
  registry: Registry,
  nodeClass: NodeClass,
  workflow: Record<string, WorkflowNode>,
  depth = 0,
): WorkflowNode | undefined {
  const inputs: Record<string, Json> = {};
  for (const input of nodeClass.inputs.filter(({ group }) => group === 'required')) {
    if (input.dynamic !== undefined) return undefined;
    const type = input.types[0] === '*' ? 'IMAGE' : (input.types[0] ?? '');
    const value =
      (input.forceInput === true ? undefined : literalFor(input)) ?? sourceFor(registry, type, workflow, depth);
    if (value === undefined) return undefined;
    inputs[input.name] = value;
  }
  return { class_type: nodeClass.name, inputs };
}

/** The class and what shows its first output. */
function promptFor(registry: Registry, nodeClass: NodeClass): Workflow | undefined {
  const workflow: Record<string, WorkflowNode> = {};
  const node = nodeOf(registry, nodeClass, workflow);
  if (node === undefined) return undefined;
  workflow['tested'] = node;
  for (const [slot, output] of nodeClass.outputs.entries()) {
    workflow[`shown${slot}`] =
      output.type === 'IMAGE'
        ? { class_type: 'PreviewImage', inputs: { images: ['tested', slot] } }
        : { class_type: 'PreviewAny', inputs: { source: ['tested', slot] } };
  }
  return workflow;
}

describe('every recorded class', () => {
  const registry = parseRegistry(readRecordedObjectInfo('0.8.0'));
  let simulator: Simulator;
  let client: SimClient;

  beforeAll(async () => {
    // LoadImageOutput reads from the output folder.
    simulator = createSimulator({ previews: false, seedFiles: { 'output/example.png': await exampleImage() } });
    client = await connectSimClient((await simulator.start()).url);
  });

  afterAll(async () => {
    await client.close();
    await simulator.stop();
  });

  it('runs to its end with plain inputs', { timeout: 60_000 }, async () => {
    const failures: string[] = [];
    let ran = 0;
    for (const nodeClass of registry.classes.values()) {
      const prompt = nodeClass.isApiNode ? undefined : promptFor(registry, nodeClass);
      if (prompt === undefined) continue;
      const { status, promptId } = await client.post(prompt);
      if (status !== 200) continue;
      ran += 1;
      const entry = await client.ended(promptId);
      const [name, data] = entry.status.messages.at(-1) ?? [];
      if (name !== 'execution_success')
        failures.push(
          `${nodeClass.name}: ${JSON.stringify(data?.['exception_type'])} ${JSON.stringify(data?.['exception_message'])}`,
        );
    }
    expect(failures).toEqual([]);
    expect(ran).toBeGreaterThan(300);
  });
});
