import type { Json, JsonObject } from '@atelier/comfyui/json/json';
import type { Inventory } from './inventory.ts';

/** Inputs that list a model folder, by name; a class that uses the name otherwise is in `classInputs`. */
const folderOfInput: Readonly<Record<string, string>> = {
  ckpt_name: 'checkpoints',
  lora_name: 'loras',
  existing_lora: 'loras',
  unet_name: 'diffusion_models',
  clip_name: 'text_encoders',
  clip_name1: 'text_encoders',
  clip_name2: 'text_encoders',
  clip_name3: 'text_encoders',
  clip_name4: 'text_encoders',
  text_encoder: 'text_encoders',
  vae_name: 'vae',
  control_net_name: 'controlnet',
  style_model_name: 'style_models',
  gligen_name: 'gligen',
  hypernetwork_name: 'hypernetworks',
  photomaker_model_name: 'photomaker',
  audio_encoder_name: 'audio_encoders',
};

const classInputs: Readonly<Record<string, string>> = {
  'CLIPVisionLoader.clip_name': 'clip_vision',
  'UpscaleModelLoader.model_name': 'upscale_models',
  'LatentUpscaleModelLoader.model_name': 'latent_upscale_models',
  'ModelPatchLoader.name': 'model_patches',
};

/** Upload combos list files of the input folder: by the upload kind, which extensions. */
const uploadExtensions: Readonly<Record<string, RegExp>> = {
  image_upload: /\.(png|jpe?g|webp|gif|bmp|tiff?)$/i,
  video_upload: /\.(mp4|webm|mkv|mov|webp|gif)$/i,
  audio_upload: /\.(wav|mp3|flac|ogg|opus|m4a)$/i,
};

/** The folder that an input lists, or undefined when it lists none. */
export function folderOf(className: string, inputName: string): string | undefined {
  return classInputs[`${className}.${inputName}`] ?? folderOfInput[inputName];
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A file has an extension; what stands in the list besides (`pixel_space`, `[None]`) stays. */
function isFileName(option: Json): boolean {
  return typeof option === 'string' && /\.(safetensors|sft|ckpt|pth?|bin|gguf)$/i.test(option);
}

function withOptions(spec: Json[], change: (options: Json[], config: JsonObject) => Json[] | undefined): Json {
  const config = isObject(spec[1]) ? spec[1] : {};
  if (Array.isArray(spec[0])) {
    const options = change(spec[0], config);
    return options === undefined ? spec : [options, ...spec.slice(1)];
  }
  if (spec[0] !== 'COMBO' || !Array.isArray(config['options'])) return spec;
  const options = change(config['options'], config);
  return options === undefined ? spec : [spec[0], { ...config, options }, ...spec.slice(2)];
}

/**
 * Puts model files and input files into the combos of `object_info`; the argument is left as it is.
 *
 * @param inputFiles names in ComfyUI's input folder (its top level alone is listed).
 */
export function applyInventory(
  objectInfo: JsonObject,
  inventory: Inventory,
  inputFiles: readonly string[],
): JsonObject {
  const topFiles = inputFiles.filter((name) => !name.includes('/')).sort();
  const changed: JsonObject = {};
  for (const [className, declaration] of Object.entries(objectInfo)) {
    changed[className] = isObject(declaration) ? withInputs(className, declaration, inventory, topFiles) : declaration;
  }
  return changed;
}

function withInputs(
  className: string,
  declaration: JsonObject,
  inventory: Inventory,
  topFiles: readonly string[],
): JsonObject {
  const input = declaration['input'];
  if (!isObject(input)) return declaration;
  const groups: JsonObject = {};
  for (const [group, inputs] of Object.entries(input)) {
    groups[group] = isObject(inputs) ? withGroup(className, inputs, inventory, topFiles) : inputs;
  }
  return { ...declaration, input: groups };
}

function withGroup(
  className: string,
  inputs: JsonObject,
  inventory: Inventory,
  topFiles: readonly string[],
): JsonObject {
  const changed: JsonObject = {};
  for (const [name, spec] of Object.entries(inputs)) {
    const folder = folderOf(className, name);
    changed[name] = !Array.isArray(spec)
      ? spec
      : withOptions(spec, (options, config) => {
          if (folder !== undefined)
            return [...(inventory[folder] ?? []), ...options.filter((option) => !isFileName(option))];
          const upload = Object.keys(uploadExtensions).find((key) => config[key] === true);
          if (upload === undefined || config['remote'] !== undefined) return undefined;
          return topFiles.filter((file) => uploadExtensions[upload]?.test(file) === true);
        });
  }
  return changed;
}
