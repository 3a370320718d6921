import { inputOf } from './links.ts';
import type { Workflow } from './workflow.ts';

/** Inputs that name a model which fills the GPU: checkpoints and diffusion models, then what patches them. */
const BASE_INPUTS = ['ckpt_name', 'unet_name', 'unet_name_high', 'unet_name_low'];
const LORA_INPUT = /^lora_?name(_?\d+)?$|^lora_\d+(_name)?$/;

/** The big files that a workflow needs on the GPU, each list sorted and without repeats. */
export interface ResidentModels {
  checkpoints: string[];
  loras: string[];
}

/** Finds the checkpoints, diffusion models and LoRAs that a workflow names. LoRA strengths do not count. */
export function residentModels(workflow: Workflow): ResidentModels {
  const checkpoints = new Set<string>();
  const loras = new Set<string>();
  for (const node of Object.values(workflow)) {
    for (const name of BASE_INPUTS) {
      const value = inputOf(node, name);
      if (typeof value === 'string' && value !== '') checkpoints.add(value);
    }
    for (const [name, value] of Object.entries(node.inputs)) {
      if (LORA_INPUT.test(name) && typeof value === 'string' && value !== '' && value !== 'None') loras.add(value);
    }
  }
  return { checkpoints: [...checkpoints].sort(), loras: [...loras].sort() };
}

/**
 * A key that is equal for workflows which can follow each other without loading a model.
 *
 * @returns such as `sd_xl_base_1.0.safetensors` or `flux-dev.safetensors + ink.safetensors`; empty when no model is used.
 */
export function residencyKey(workflow: Workflow): string {
  const { checkpoints, loras } = residentModels(workflow);
  return [...checkpoints, ...loras].join(' + ');
}
