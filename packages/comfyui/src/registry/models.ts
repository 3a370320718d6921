import { guessModelFamily } from './model-family.ts';
import type { NodeClass, NodeInput, Registry } from './registry.ts';

/** ComfyUI's folder names under `models/`; a custom pack's folder is named by its input. */
export type ModelFolder = string;

/** One model file that a server's loaders list. */
export interface ModelFile {
  /** As loaders take it, with subfolders: `styles/gouache.safetensors`. */
  name: string;
  folder: ModelFolder;
  /** A guess from the name, such as `sdxl` or `flux`; `unknown` when the name does not tell. */
  family: string;
}

/** A combo that lists the files of one folder. */
export interface ModelInput {
  classType: string;
  inputName: string;
  folder: ModelFolder;
}

/** The model files of a server, as its loader nodes list them. */
export interface ModelInventory {
  /** Folder → its files, in the server's order. A folder whose loader lists nothing is present and empty. */
  byFolder: ReadonlyMap<ModelFolder, readonly ModelFile[]>;
  inputs: readonly ModelInput[];
}

/** Loaders whose input's name alone does not tell the folder. */
const folderByClass: ReadonlyMap<string, ModelFolder> = new Map([
  ['CLIPVisionLoader.clip_name', 'clip_vision'],
  ['UpscaleModelLoader.model_name', 'upscale_models'],
  ['LatentUpscaleModelLoader.model_name', 'latent_upscale_models'],
  ['ModelPatchLoader.name', 'model_patches'],
  ['LTXAVTextEncoderLoader.text_encoder', 'text_encoders'],
  ['CheckpointLoader.config_name', 'configs'],
]);

const folderByInput: readonly (readonly [RegExp, ModelFolder])[] = [
  [/^(ckpt|checkpoint)(_name)?\d*$/, 'checkpoints'],
  [/^(unet|diffusion_model)(_name)?\d*$/, 'diffusion_models'],
  [/^(lora|existing_lora)(_name)?_?\d*$/, 'loras'],
  [/^vae(_name)?$/, 'vae'],
  [/^(clip|text_encoder)_name_?\d*$/, 'text_encoders'],
  [/^(control_?net)(_name)?$/, 'controlnet'],
  [/^style_model(_name)?$/, 'style_models'],
  [/^clip_vision(_name)?$/, 'clip_vision'],
  [/^upscale_model(_name)?$/, 'upscale_models'],
  [/^gligen(_name)?$/, 'gligen'],
  [/^hypernetwork(_name)?$/, 'hypernetworks'],
  [/^photomaker(_model)?(_name)?$/, 'photomaker'],
  [/^audio_encoder(_name)?$/, 'audio_encoders'],
  [/^ipadapter(_file|_name)?$/, 'ipadapter'],
];

const modelFile = /\.(safetensors|sft|ckpt|pt|pt2|pth|bin|gguf|onnx|engine)$/i;

/** The folder whose files an input lists, or undefined when it lists something else (samplers, input files, …). */
export function modelFolderOf(nodeClass: NodeClass, input: NodeInput): ModelFolder | undefined {
  if (input.options === undefined || input.upload !== undefined) return undefined;
  const known = folderByClass.get(`${nodeClass.name}.${input.name}`);
  if (known !== undefined) return known;
  const named = folderByInput.find(([pattern]) => pattern.test(input.name))?.[1];
  const listsFiles = input.options.some((option) => typeof option === 'string' && modelFile.test(option));
  if (named !== undefined && (listsFiles || input.options.length === 0)) return named;
  return listsFiles ? input.name : undefined;
}

/** Gathers the model files that a server's loaders list, each once a folder. */
export function listModels(registry: Registry): ModelInventory {
  const byFolder = new Map<ModelFolder, Map<string, ModelFile>>();
  const inputs: ModelInput[] = [];
  for (const nodeClass of registry.classes.values()) {
    for (const input of nodeClass.inputs) {
      const folder = modelFolderOf(nodeClass, input);
      if (folder === undefined) continue;
      inputs.push({ classType: nodeClass.name, inputName: input.name, folder });
      const files = byFolder.get(folder) ?? new Map<string, ModelFile>();
      byFolder.set(folder, files);
      for (const option of input.options ?? []) {
        if (typeof option === 'string' && isModelFileName(option))
          files.set(option, { name: option, folder, family: guessModelFamily(option) });
      }
    }
  }
  return { byFolder: new Map([...byFolder].map(([folder, files]) => [folder, [...files.values()]])), inputs };
}

/** Whether an option names a file: loaders mix placeholders among them, such as `[None]`, `pixel_space`, `taesd`. */
export function isModelFileName(option: string): boolean {
  return modelFile.test(option) || /\.ya?ml$/i.test(option);
}
