import type { LocalText, ModelParameter } from './recipe.ts';

/*
 * The model files that recipes need, each with the loader that lists it and how it is known by its name. Names are those under
 * which their publishers offer them.
 */

/** Which files fit; see `ModelParameter`. */
type ModelFile = Omit<ModelParameter, 'kind' | 'name' | 'title'>;

type NameParts = Pick<ModelParameter, 'match' | 'exclude'>;

export function modelFileParameter(name: string, title: LocalText, file: ModelFile): ModelParameter {
  return { kind: 'model', name, title, ...file };
}

const modelTitle: LocalText = { en: 'Model', zh: '模型' };

/** The parameter `model`: a checkpoint that holds the diffusion model, text encoder and VAE. */
export function checkpointParameter(
  families: readonly string[],
  needs: LocalText,
  exclude: readonly string[] = [],
): ModelParameter {
  return modelFileParameter('model', modelTitle, {
    from: { classType: 'CheckpointLoaderSimple', input: 'ckpt_name' },
    folder: 'checkpoints',
    needs,
    families,
    exclude: ['inpaint', 'refiner', ...exclude],
  });
}

/** The parameter `model`: any Stable Diffusion checkpoint, also one whose name tells no family. All of them work alike. */
export const anyCheckpointParameter = checkpointParameter(['sdxl', 'pony', 'illustrious', 'sd15', 'sd2', 'unknown'], {
  en: 'a Stable Diffusion checkpoint',
  zh: 'Stable Diffusion 模型',
});

/** The parameter `model`: any Stable Diffusion checkpoint, those made for inpainting included. */
export const inpaintCheckpointParameter: ModelParameter = { ...anyCheckpointParameter, exclude: ['refiner'] };

/** The parameter `model`: a diffusion model without text encoder and VAE. */
export function diffusionModelParameter(
  families: readonly string[],
  needs: LocalText,
  parts: NameParts = {},
): ModelParameter {
  return modelFileParameter('model', modelTitle, {
    from: { classType: 'UNETLoader', input: 'unet_name' },
    folder: 'diffusion_models',
    needs,
    families,
    ...parts,
  });
}

/** A text encoder, found by name. */
export function textEncoderParameter(
  name: string,
  match: readonly [string, ...string[]],
  from: ModelParameter['from'] = { classType: 'CLIPLoader', input: 'clip_name' },
): ModelParameter {
  return modelFileParameter(
    name,
    { en: 'Text encoder', zh: '文本编码器' },
    {
      from,
      folder: 'text_encoders',
      needs: { en: `a text encoder such as ${match[0]}`, zh: `文本编码器（如 ${match[0]}）` },
      match,
    },
  );
}

/** The parameter `vae`: a VAE, found by name. */
export function vaeParameter(match: readonly [string, ...string[]]): ModelParameter {
  return modelFileParameter(
    'vae',
    { en: 'VAE', zh: 'VAE' },
    {
      from: { classType: 'VAELoader', input: 'vae_name' },
      folder: 'vae',
      needs: { en: `a VAE such as ${match[0]}`, zh: `VAE（如 ${match[0]}）` },
      match,
    },
  );
}

/** A vision encoder, found by name, which looks at pictures for a model. */
export function visionEncoderParameter(needs: LocalText, match: readonly string[]): ModelParameter {
  return modelFileParameter(
    'vision',
    { en: 'Vision encoder', zh: '视觉编码器' },
    { from: { classType: 'CLIPVisionLoader', input: 'clip_name' }, folder: 'clip_vision', needs, match },
  );
}

/** A model that enlarges pictures, under the name that the recipe gives it. */
export function upscaleModelParameter(name: string): ModelParameter {
  return modelFileParameter(
    name,
    { en: 'Upscale model', zh: '放大模型' },
    {
      from: { classType: 'UpscaleModelLoader', input: 'model_name' },
      folder: 'upscale_models',
      needs: { en: 'an upscale model', zh: '放大模型' },
    },
  );
}

/** The parameter `controlnet`: one that goes with the chosen checkpoint. */
export const controlNetParameter = modelFileParameter(
  'controlnet',
  { en: 'ControlNet', zh: 'ControlNet' },
  {
    from: { classType: 'ControlNetLoader', input: 'control_net_name' },
    folder: 'controlnet',
    needs: { en: 'a ControlNet for the chosen checkpoint', zh: '与所选模型匹配的 ControlNet' },
    followsModel: true,
  },
);

/** Flux models that are made for one task: none of them draws from a description alone. */
const fluxTasks = ['kontext', 'fill', 'canny', 'depth'];
const flux2 = ['flux2', 'flux.2'];

/** The parameter `model`: a Flux checkpoint with its text encoders and VAE. */
export const fluxCheckpointParameter = checkpointParameter(['flux'], { en: 'a Flux checkpoint', zh: 'Flux 整合模型' }, [
  ...fluxTasks,
  ...flux2,
]);

/** The VAE that Flux and Z-Image share. */
const fluxVae = vaeParameter(['ae.', 'flux']);

/** Files that Flux draws with: its diffusion model, two text encoders and a VAE. */
function fluxFileParameters(needs: LocalText, parts: NameParts): ModelParameter[] {
  return [
    diffusionModelParameter(['flux'], needs, parts),
    textEncoderParameter('t5', ['t5xxl', 't5-xxl', 't5_xxl'], { classType: 'DualCLIPLoader', input: 'clip_name1' }),
    textEncoderParameter('clip', ['clip_l', 'clip-l', 'vit-l'], { classType: 'DualCLIPLoader', input: 'clip_name2' }),
    fluxVae,
  ];
}

/** Files for drawing from a description with Flux. */
export const fluxFiles = fluxFileParameters(
  { en: 'a Flux diffusion model', zh: 'Flux 扩散模型' },
  { exclude: [...fluxTasks, 'redux', ...flux2] },
);

/** Files for editing pictures with Flux Kontext. */
export const kontextFiles = fluxFileParameters(
  { en: 'the Flux Kontext diffusion model', zh: 'Flux Kontext 扩散模型' },
  { match: ['kontext'] },
);

/** Files that make Flux look at pictures, beside {@link fluxFiles}. */
export const reduxFiles = [
  modelFileParameter(
    'redux',
    { en: 'Redux model', zh: 'Redux 模型' },
    {
      from: { classType: 'StyleModelLoader', input: 'style_model_name' },
      folder: 'style_models',
      needs: { en: 'the Flux Redux model', zh: 'Flux Redux 模型' },
      match: ['redux'],
    },
  ),
  visionEncoderParameter({ en: 'the SigLIP vision encoder', zh: 'SigLIP 视觉编码器' }, ['sigclip', 'siglip']),
];

/** Files that Qwen-Image draws or edits with. */
export function qwenFileParameters(needs: LocalText, parts: NameParts): ModelParameter[] {
  return [
    diffusionModelParameter(['qwen-image'], needs, parts),
    textEncoderParameter('encoder', ['qwen_2.5_vl', 'qwen2.5_vl', 'qwen2.5-vl', 'qwen_2.5']),
    vaeParameter(['qwen_image_vae', 'qwen-image-vae', 'qwen_image']),
  ];
}

/** Files that Z-Image draws with. */
export const zImageFiles = [
  diffusionModelParameter(
    ['z-image'],
    { en: 'a Z-Image diffusion model', zh: 'Z-Image 扩散模型' },
    { exclude: ['edit'] },
  ),
  textEncoderParameter('encoder', ['qwen_3_4b', 'qwen3_4b', 'qwen3-4b', 'qwen_3']),
  fluxVae,
];
