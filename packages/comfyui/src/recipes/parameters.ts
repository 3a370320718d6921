import { fastCfg, fastSteps } from './fast-models.ts';
import type {
  ChoiceParameter,
  ConditionalDefault,
  ImageParameter,
  ImagesParameter,
  LocalText,
  NumberParameter,
  NumbersParameter,
  RecipeParameter,
  SeedParameter,
  TextParameter,
} from './recipe.ts';

/*
 * What recipes let people set, model files apart (`model-files.ts`). One name means one thing everywhere: who knows `denoise`
 * of one recipe knows that of all.
 */

/** What is allowed for a number; see `NumberParameter`. */
type NumberRange = Omit<NumberParameter, 'kind' | 'name' | 'title'>;

export function integerParameter(name: string, title: LocalText, range: NumberRange): NumberParameter {
  return { kind: 'integer', name, title, ...range };
}

export function numberParameter(name: string, title: LocalText, range: NumberRange): NumberParameter {
  return { kind: 'number', name, title, ...range };
}

export const promptParameter: TextParameter = {
  kind: 'text',
  name: 'prompt',
  title: { en: 'Prompt', zh: '提示词' },
  maxLength: 10_000,
};

/** A prompt that may stay empty because a picture says most. */
export const optionalPromptParameter: TextParameter = { ...promptParameter, default: '' };

export const negativeParameter: TextParameter = {
  kind: 'text',
  name: 'negative',
  title: { en: 'Negative prompt', zh: '反向提示词' },
  default: '',
  maxLength: 10_000,
};

export const imageParameter: ImageParameter = { kind: 'image', name: 'image', title: { en: 'Image', zh: '图片' } };

/** The parameter `images`: pictures in the order in which they were given. */
export function imagesParameter(
  min: number,
  max: number,
  title: LocalText = { en: 'Pictures', zh: '图片' },
): ImagesParameter {
  return { kind: 'images', name: 'images', title, min, max };
}

export const countParameter = integerParameter(
  'count',
  { en: 'Number of images', zh: '图片数量' },
  { min: 1, max: 8, default: 1 },
);

/** The parameters `width` and `height`, in pixels; 256 to 2,048 unless given. */
export function sizeParameters({
  width,
  height,
  multipleOf,
  min = 256,
  max = 2048,
  ...defaults
}: {
  width: number;
  height: number;
  multipleOf: number;
  min?: number;
  max?: number;
  defaults?: readonly ConditionalDefault<number>[];
}): [NumberParameter, NumberParameter] {
  const range = { min, max, multipleOf, ...defaults };
  return [
    integerParameter('width', { en: 'Width', zh: '宽度' }, { ...range, default: width }),
    integerParameter('height', { en: 'Height', zh: '高度' }, { ...range, default: height }),
  ];
}

/** The side of a square picture that a checkpoint draws best, in pixels. */
export const sideDefaults = [
  { family: 'sdxl', value: 1024 },
  { family: 'pony', value: 1024 },
  { family: 'illustrious', value: 1024 },
  { family: 'sd2', value: 768 },
] as const;

/** The size to which a given picture is scaled before a checkpoint redraws it. */
export const megapixelsParameter = numberParameter(
  'megapixels',
  { en: 'Working size in megapixels', zh: '处理尺寸（百万像素）' },
  {
    min: 0.1,
    max: 4,
    default: 0.25,
    defaults: [
      { family: 'sdxl', value: 1 },
      { family: 'pony', value: 1 },
      { family: 'illustrious', value: 1 },
      { family: 'sd2', value: 0.56 },
    ],
  },
);

export const seedParameter: SeedParameter = { kind: 'seed', name: 'seed', title: { en: 'Seed', zh: '种子' } };

export function stepsParameter(value: number, defaults: readonly ConditionalDefault<number>[] = []): NumberParameter {
  return integerParameter('steps', { en: 'Steps', zh: '步数' }, { min: 1, max: 100, default: value, defaults });
}

export function cfgParameter(value: number, defaults: readonly ConditionalDefault<number>[] = []): NumberParameter {
  const title = { en: 'Prompt weight (CFG)', zh: '提示词权重（CFG）' };
  return numberParameter('cfg', title, { min: 0, max: 30, default: value, defaults });
}

/** Flux's own prompt weight, which it takes as an input beside the prompt. */
export function guidanceParameter(value: number): NumberParameter {
  return numberParameter('guidance', { en: 'Guidance', zh: '引导强度' }, { min: 0, max: 30, default: value });
}

export function denoiseParameter(value: number): NumberParameter {
  const title = { en: 'How much to change (denoise)', zh: '改变程度（降噪）' };
  return numberParameter('denoise', title, { min: 0.01, max: 1, default: value });
}

export function strengthParameter(value: number, max = 2): NumberParameter {
  return numberParameter('strength', { en: 'Strength', zh: '强度' }, { min: 0, max, default: value });
}

/** The parameter `strengths`: one for each picture of `images`, in their order; who has none takes `strength`. */
export const strengthsParameter: NumbersParameter = {
  kind: 'numbers',
  name: 'strengths',
  title: { en: 'Strength of each picture', zh: '各图强度' },
  of: 'images',
  min: 0,
  max: 2,
};

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

/** Seed, steps, prompt weight and sampler, with the values that distilled models of a family need in place of the usual ones. */
export function samplingParameters(steps: number, cfg: number, sampler: string, scheduler: string): RecipeParameter[] {
  return [
    seedParameter,
    stepsParameter(steps, fastSteps),
    cfgParameter(cfg, fastCfg),
    ...samplerParameters(sampler, scheduler),
  ];
}

/** What recipes for checkpoints of any family let people set of the sampling. */
export const checkpointSampling: readonly RecipeParameter[] = samplingParameters(25, 7, 'dpmpp_2m', 'karras');

/** What recipes for Flux let people set of the sampling: it is guided by an input of its own, so that CFG stays 1. */
export const fluxSampling: readonly RecipeParameter[] = [
  seedParameter,
  stepsParameter(20, [{ match: 'schnell', value: 4 }, ...fastSteps]),
  guidanceParameter(3.5),
  ...samplerParameters('euler', 'simple'),
];

/** What recipes for Qwen-Image let people set of the sampling. */
export const qwenSampling: readonly RecipeParameter[] = [
  seedParameter,
  stepsParameter(20, fastSteps),
  cfgParameter(2.5, [{ match: 'lightning', value: 1 }]),
  ...samplerParameters('euler', 'simple'),
];
