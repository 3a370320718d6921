import { inputOf } from '@atelier/comfyui/graph/links';
import { toRecord } from '@atelier/comfyui/graph/parse-workflow';
import { isLink, type Link, type NodeId, type Workflow, type WorkflowNode } from '@atelier/comfyui/graph/workflow';
import type { NamedLora } from './words-plan.ts';

/** Loaders of diffusion models: those that hold a text encoder, too, and those that do not. */
const WITH_ENCODER = 'CheckpointLoaderSimple';
const MODEL_ONLY = 'UNETLoader';

/**
 * Lays LoRAs over every diffusion model that a workflow loads: a chain behind each loader, which all that used the loader's
 * model and text encoder now hangs from.
 *
 * @param loras with file names as the server lists them.
 */
export function applyLoras(workflow: Workflow, loras: readonly NamedLora[]): Workflow {
  if (loras.length === 0) return workflow;
  const added = new Map<NodeId, WorkflowNode>();
  const replaced = new Map<string, Link>();
  for (const [id, node] of Object.entries(workflow)) {
    if (node.class_type !== WITH_ENCODER && node.class_type !== MODEL_ONLY) continue;
    const hasEncoder = node.class_type === WITH_ENCODER;
    let model: Link = [id, 0];
    let clip: Link = [id, 1];
    for (const [index, lora] of loras.entries()) {
      const own = freeId(workflow, added, `${id}_lora${index + 1}`);
      added.set(own, {
        class_type: hasEncoder ? 'LoraLoader' : 'LoraLoaderModelOnly',
        inputs: {
          model,
          ...(hasEncoder ? { clip } : {}),
          lora_name: lora.name,
          strength_model: lora.strength,
          ...(hasEncoder ? { strength_clip: lora.strength } : {}),
        },
      });
      model = [own, 0];
      clip = [own, 1];
    }
    replaced.set(keyOf([id, 0]), model);
    if (hasEncoder) replaced.set(keyOf([id, 1]), clip);
  }
  const rewired = Object.entries(workflow).map(([id, node]) => [id, rewire(node, replaced)] as const);
  return toRecord([...rewired, ...added]);
}

function rewire(node: Readonly<WorkflowNode>, replaced: ReadonlyMap<string, Link>): Readonly<WorkflowNode> {
  const inputs = Object.keys(node.inputs).map((name) => {
    const value = inputOf(node, name) ?? null;
    return [name, isLink(value) ? (replaced.get(keyOf(value)) ?? value) : value] as const;
  });
  return { ...node, inputs: toRecord(inputs) };
}

function keyOf([id, slot]: Link): string {
  return JSON.stringify([id, slot]);
}

function freeId(workflow: Workflow, added: ReadonlyMap<NodeId, unknown>, wanted: string): string {
  let id = wanted;
  while (Object.hasOwn(workflow, id) || added.has(id)) id = `${id}_`;
  return id;
}
