import { fastCfg, fastSteps } from './fast-models.ts';
import type {
  ChoiceParameter,
  ConditionalDefault,
  ImageParameter,
  ModelParameter,
  NumberParameter,
  RecipeParameter,
  SeedParameter,
  TextParameter,
} from './recipe.ts';

/** The parameters that most recipes share, so that one name means one thing everywhere. */

export const promptParameter: TextParameter = {
  kind: 'text',
  name: 'prompt',
  title: { en: 'Prompt', zh: '提示词' },
  maxLength: 10_000,
};

export const negativeParameter: TextParameter = {
  kind: 'text',
  name: 'negative',
  title: { en: 'Negative prompt', zh: '反向提示词' },
  default: '',
  maxLength: 10_000,
};

export const seedParameter: SeedParameter = { kind: 'seed', name: 'seed', title: { en: 'Seed', zh: '种子' } };

export const countParameter: NumberParameter = {
  kind: 'integer',
  name: 'count',
  title: { en: 'Number of images', zh: '图片数量' },
  min: 1,
  max: 8,
  default: 1,
};

export const imageParameter: ImageParameter = { kind: 'image', name: 'image', title: { en: 'Image', zh: '图片' } };

export function sizeParameters(options: {
  width: number;
  height: number;
  multipleOf: number;
  min?: number;
  max?: number;
  defaults?: readonly ConditionalDefault<number>[];
}): [NumberParameter, NumberParameter] {
  const common = {
    kind: 'integer' as const,
    min: options.min ?? 256,
    max: options.max ?? 2048,
    multipleOf: options.multipleOf,
    ...(options.defaults === undefined ? {} : { defaults: options.defaults }),
  };
  return [
    { ...common, name: 'width', title: { en: 'Width', zh: '宽度' }, default: options.width },
    { ...common, name: 'height', title: { en: 'Height', zh: '高度' }, default: options.height },
  ];
}

export function stepsParameter(value: number, defaults: readonly ConditionalDefault<number>[] = []): NumberParameter {
  return {
    kind: 'integer',
    name: 'steps',
    title: { en: 'Steps', zh: '步数' },
    min: 1,
    max: 100,
    default: value,
    defaults,
  };
}

export function cfgParameter(value: number, defaults: readonly ConditionalDefault<number>[] = []): NumberParameter {
  return {
    kind: 'number',
    name: 'cfg',
    title: { en: 'Prompt weight (CFG)', zh: '提示词权重（CFG）' },
    min: 0,
    max: 30,
    default: value,
    defaults,
  };
}

export function guidanceParameter(value: number): NumberParameter {
  return {
    kind: 'number',
    name: 'guidance',
    title: { en: 'Guidance', zh: '引导强度' },
    min: 0,
    max: 30,
    default: value,
  };
}

export function denoiseParameter(value: number): NumberParameter {
  return {
    kind: 'number',
    name: 'denoise',
    title: { en: 'How much to change (denoise)', zh: '改变程度（降噪）' },
    min: 0.01,
    max: 1,
    default: value,
  };
}

/** A prompt that may stay empty because a picture says most. */
export const optionalPromptParameter: TextParameter = { ...promptParameter, default: '' };

export function strengthParameter(value: number, max = 2): NumberParameter {
  return { kind: 'number', name: 'strength', title: { en: 'Strength', zh: '强度' }, min: 0, max, default: value };
}

export function samplerParameters(sampler: string, scheduler: string): [ChoiceParameter, ChoiceParameter] {
  return [
    {
      kind: 'choice',
      name: 'sampler',
      title: { en: 'Sampler', zh: '采样器' },
      from: { classType: 'KSampler', input: 'sampler_name' },
      default: sampler,
    },
    {
      kind: 'choice',
      name: 'scheduler',
      title: { en: 'Scheduler', zh: '调度器' },
      from: { classType: 'KSampler', input: 'scheduler' },
      default: scheduler,
    },
  ];
}

/** Families of Stable Diffusion checkpoints that work alike, and such whose name tells nothing. */
export const stableDiffusionFamilies = ['sdxl', 'pony', 'illustrious', 'sd15', 'sd2', 'unknown'] as const;

/** The parameter `model`: any Stable Diffusion checkpoint. */
export const anyCheckpointParameter: ModelParameter = checkpointParameter(stableDiffusionFamilies, {
  en: 'a Stable Diffusion checkpoint',
  zh: 'Stable Diffusion 模型',
});

/** The side of a square picture that a checkpoint draws best. */
export const sideDefaults = [
  { family: 'sdxl', value: 1024 },
  { family: 'pony', value: 1024 },
  { family: 'illustrious', value: 1024 },
  { family: 'sd2', value: 768 },
] as const;

/** The size to which a given picture is scaled before a checkpoint redraws it. */
export const megapixelsParameter: NumberParameter = {
  kind: 'number',
  name: 'megapixels',
  title: { en: 'Working size in megapixels', zh: '处理尺寸（百万像素）' },
  min: 0.1,
  max: 4,
  default: 0.25,
  defaults: [
    { family: 'sdxl', value: 1 },
    { family: 'pony', value: 1 },
    { family: 'illustrious', value: 1 },
    { family: 'sd2', value: 0.56 },
  ],
};

/** The parameter `model`: a checkpoint that holds the diffusion model, text encoder and VAE. */
export function checkpointParameter(
  families: readonly string[],
  needs: ModelParameter['needs'],
  exclude: readonly string[] = [],
): ModelParameter {
  return {
    kind: 'model',
    name: 'model',
    title: { en: 'Model', zh: '模型' },
    from: { classType: 'CheckpointLoaderSimple', input: 'ckpt_name' },
    folder: 'checkpoints',
    needs,
    families,
    exclude: ['inpaint', 'refiner', ...exclude],
  };
}

/** The parameter `model`: a diffusion model without text encoder and VAE. */
export function diffusionModelParameter(
  families: readonly string[],
  needs: ModelParameter['needs'],
  options: { match?: readonly string[]; exclude?: readonly string[] } = {},
): ModelParameter {
  return {
    kind: 'model',
    name: 'model',
    title: { en: 'Model', zh: '模型' },
    from: { classType: 'UNETLoader', input: 'unet_name' },
    folder: 'diffusion_models',
    needs,
    families,
    ...options,
  };
}

/** A text encoder, found by name. */
export function textEncoderParameter(
  name: string,
  match: readonly string[],
  from: ModelParameter['from'] = { classType: 'CLIPLoader', input: 'clip_name' },
): ModelParameter {
  const shown = match[0] ?? name;
  return {
    kind: 'model',
    name,
    title: { en: 'Text encoder', zh: '文本编码器' },
    from,
    folder: 'text_encoders',
    needs: { en: `a text encoder such as ${shown}`, zh: `文本编码器（如 ${shown}）` },
    match,
  };
}

/** A VAE, found by name. */
export function vaeParameter(match: readonly string[]): ModelParameter {
  const shown = match[0] ?? 'vae';
  return {
    kind: 'model',
    name: 'vae',
    title: { en: 'VAE', zh: 'VAE' },
    from: { classType: 'VAELoader', input: 'vae_name' },
    folder: 'vae',
    needs: { en: `a VAE such as ${shown}`, zh: `VAE（如 ${shown}）` },
    match,
  };
}

/** Files that Flux draws with: its diffusion model, two text encoders and a VAE. */
export function fluxFileParameters(
  needs: ModelParameter['needs'],
  options: { match?: readonly string[]; exclude?: readonly string[] },
): ModelParameter[] {
  return [
    diffusionModelParameter(['flux'], needs, options),
    textEncoderParameter('t5', ['t5xxl', 't5-xxl', 't5_xxl'], { classType: 'DualCLIPLoader', input: 'clip_name1' }),
    textEncoderParameter('clip', ['clip_l', 'clip-l', 'vit-l'], { classType: 'DualCLIPLoader', input: 'clip_name2' }),
    vaeParameter(['ae.', 'flux']),
  ];
}

/** Files that Qwen-Image draws with. */
export function qwenFileParameters(
  needs: ModelParameter['needs'],
  options: { match?: readonly string[]; exclude?: readonly string[] },
): ModelParameter[] {
  return [
    diffusionModelParameter(['qwen-image'], needs, options),
    textEncoderParameter('encoder', ['qwen_2.5_vl', 'qwen2.5_vl', 'qwen2.5-vl', 'qwen_2.5']),
    vaeParameter(['qwen_image_vae', 'qwen-image-vae', 'qwen_image']),
  ];
}

/** Seed, steps, prompt weight and sampler, with the values that distilled models of a family need in place of the usual ones. */
export function samplingParameters(steps: number, cfg: number, sampler: string, scheduler: string): RecipeParameter[] {
  return [
    seedParameter,
    stepsParameter(steps, fastSteps),
    cfgParameter(cfg, fastCfg),
    ...samplerParameters(sampler, scheduler),
  ];
}
