import type { PyDict, PyValue } from '@atelier/comfyui/json/python-json';
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
function folderOf(className: string, inputName: string): string | undefined {
  return classInputs[`${className}.${inputName}`] ?? folderOfInput[inputName];
}

/** A file has an extension; what stands in the list besides (`pixel_space`, `[None]`) stays. */
function isFileName(option: PyValue): boolean {
  return typeof option === 'string' && /\.(safetensors|sft|ckpt|pth?|bin|gguf)$/i.test(option);
}

/** A copy of the dict with each member changed. */
function mapDict(dict: PyDict, change: (value: PyValue, key: string) => PyValue): PyDict {
  return new Map([...dict].map(([key, value]) => [key, change(value, key)] as const));
}

type ChangeOptions = (options: PyValue[], config: PyDict) => PyValue[] | undefined;

/** Changes a combo's values, in either form of declaration. */
function withOptions(spec: PyValue[], change: ChangeOptions): PyValue[] {
  const [type, second, ...rest] = spec;
  const config: PyDict = second instanceof Map ? second : new Map();
  if (Array.isArray(type)) {
    const options = change(type, config);
    return options === undefined ? spec : [options, ...spec.slice(1)];
  }
  const listed = config.get('options');
  const options = type === 'COMBO' && Array.isArray(listed) ? change(listed, config) : undefined;
  if (options === undefined) return spec;
  return ['COMBO', mapDict(config, (value, key) => (key === 'options' ? options : value)), ...rest];
}

/**
 * Puts model files and input files into the combos of `object_info`; the argument is left as it is.
 *
 * @param inputFiles names in ComfyUI's input folder (its top level alone is listed).
 */
export function applyInventory(objectInfo: PyDict, inventory: Inventory, inputFiles: readonly string[]): PyDict {
  const topFiles = inputFiles.filter((name) => !name.includes('/')).sort((a, b) => (a < b ? -1 : 1));

  const changeSpec = (spec: PyValue, className: string, inputName: string): PyValue => {
    if (!Array.isArray(spec)) return spec;
    const folder = folderOf(className, inputName);
    return withOptions(spec, (options, config) => {
      if (folder !== undefined)
        return [...(inventory[folder] ?? []), ...options.filter((option) => !isFileName(option))];
      const upload = Object.keys(uploadExtensions).find((key) => config.get(key) === true);
      if (upload === undefined || config.has('remote')) return undefined;
      return topFiles.filter((file) => uploadExtensions[upload]?.test(file) === true);
    });
  };

  const changeInputs = (groups: PyValue, className: string): PyValue =>
    groups instanceof Map
      ? mapDict(groups, (inputs) =>
          inputs instanceof Map ? mapDict(inputs, (spec, name) => changeSpec(spec, className, name)) : inputs,
        )
      : groups;

  return mapDict(objectInfo, (declaration, className) =>
    declaration instanceof Map
      ? mapDict(declaration, (value, key) => (key === 'input' ? changeInputs(value, className) : value))
      : declaration,
  );
}
