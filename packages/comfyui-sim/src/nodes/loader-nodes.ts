import { NodeException } from './node-context.ts';
import type { NodeContext, NodeImplementation } from './node-context.ts';
import { numberInput, optionalInput, requiredInput, textInput } from './read-input.ts';
import type { ModelValue, SimValue } from './sim-value.ts';

function model(name: string): ModelValue {
  return { kind: 'model', name, loras: [], references: [] };
}

export function token(type: string, label: string): SimValue {
  return { kind: 'token', type, label };
}

/** Loads a checkpoint: model, text encoder and VAE in one, by the class's own outputs. */
const checkpoint: NodeImplementation = {
  run: (context) => {
    const name = textInput(context, 'ckpt_name');
    const outputs = context.nodeClass.outputs.map((output) =>
      output.type === 'MODEL' ? model(name) : token(output.type, name),
    );
    return { outputs };
  },
};

const diffusionModel: NodeImplementation = {
  run: (context) => ({ outputs: [model(textInput(context, 'unet_name'))] }),
};

/** The file that a loader names, whichever of its inputs that is. */
function firstName(context: NodeContext): string {
  for (const value of Object.values(context.node.inputs)) if (typeof value === 'string') return value;
  return '';
}

function refuseEmpty(context: NodeContext, name: string): void {
  if (!context.emptyModels.has(name)) return;
  if (/\.pth?$/.test(name)) throw new NodeException('EOFError', '');
  throw new NodeException('safetensors_rust.SafetensorError', 'Error while deserializing header: header too small');
}

const smallModel: NodeImplementation = {
  run: async (context) => {
    const name = firstName(context);
    refuseEmpty(context, name);
    await context.work(context.gpu.readSmall(name));
    return { outputs: context.nodeClass.outputs.map((output) => token(output.type, name)) };
  },
};

const lora: NodeImplementation = {
  run: (context) => {
    const name = textInput(context, 'lora_name');
    const strength = numberInput(context, 'strength_model', 1);
    const base = requiredInput(context, 'model', 'model');
    const patched: ModelValue = strength === 0 ? base : { ...base, loras: [...base.loras, name] };
    const clip = context.inputs.get('clip');
    return { outputs: clip === undefined ? [patched] : [patched, clip] };
  },
};

/** Model patches that only pass the model on: sampling shifts, guidance, attention. */
const patchModel: NodeImplementation = {
  run: (context) => {
    const patched = optionalInput(context, 'model', 'model') ?? optionalInput(context, 'model1', 'model');
    if (patched === undefined) throw new NodeException('TypeError', "'NoneType' object has no attribute 'clone'");
    return {
      outputs: context.nodeClass.outputs.map((output) =>
        output.type === 'MODEL' ? patched : (context.inputs.get('clip') ?? token(output.type, '')),
      ),
    };
  },
};

export const loaderNodes: Readonly<Record<string, NodeImplementation>> = {
  CheckpointLoaderSimple: checkpoint,
  CheckpointLoader: checkpoint,
  unCLIPCheckpointLoader: checkpoint,
  ImageOnlyCheckpointLoader: checkpoint,
  UNETLoader: diffusionModel,
  VAELoader: smallModel,
  CLIPLoader: smallModel,
  DualCLIPLoader: smallModel,
  TripleCLIPLoader: smallModel,
  QuadrupleCLIPLoader: smallModel,
  ControlNetLoader: smallModel,
  DiffControlNetLoader: smallModel,
  UpscaleModelLoader: smallModel,
  LatentUpscaleModelLoader: smallModel,
  StyleModelLoader: smallModel,
  CLIPVisionLoader: smallModel,
  GLIGENLoader: smallModel,
  ModelPatchLoader: smallModel,
  AudioEncoderLoader: smallModel,
  PhotoMakerLoader: smallModel,
  LoraLoader: lora,
  LoraLoaderModelOnly: lora,
  ModelSamplingFlux: patchModel,
  ModelSamplingSD3: patchModel,
  ModelSamplingAuraFlow: patchModel,
  ModelSamplingDiscrete: patchModel,
  ModelSamplingLTXV: patchModel,
  ModelMergeSimple: patchModel,
  RescaleCFG: patchModel,
  FreeU: patchModel,
  FreeU_V2: patchModel,
  DifferentialDiffusion: patchModel,
  PerturbedAttentionGuidance: patchModel,
  CFGNorm: patchModel,
  CFGZeroStar: patchModel,
  TorchCompileModel: patchModel,
};
