import {
  checkpointDrawing,
  drawFromNothing,
  fluxCheckpointDrawing,
  fluxDrawing,
  qwenDrawing,
  sd3Drawing,
  zImageDrawing,
} from './drawings.ts';
import {
  anyCheckpointParameter,
  checkpointParameter,
  fluxCheckpointParameter,
  fluxFiles,
  qwenFileParameters,
  zImageFiles,
} from './model-files.ts';
import {
  checkpointSampling,
  countParameter,
  fluxSampling,
  negativeParameter,
  promptParameter,
  qwenSampling,
  samplerParameters,
  samplingParameters,
  seedParameter,
  sideDefaults,
  sizeParameters,
  stepsParameter,
} from './parameters.ts';
import type { Recipe } from './recipe.ts';

export const textToImageSdxl = {
  id: 'text-to-image-sdxl',
  kind: 'text-to-image',
  title: { en: 'Text to image (SDXL)', zh: '文生图（SDXL）' },
  description: { en: 'Draws pictures from a description with an SDXL checkpoint.', zh: '用 SDXL 模型按文字描述作画。' },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    checkpointParameter(['sdxl', 'pony', 'illustrious'], { en: 'an SDXL checkpoint', zh: 'SDXL 模型' }),
    ...sizeParameters({ width: 1024, height: 1024, multipleOf: 8 }),
    countParameter,
    ...samplingParameters(25, 6.5, 'dpmpp_2m', 'karras'),
  ],
  ignores: [],
  notation: drawFromNothing(checkpointDrawing),
} satisfies Recipe;

export const textToImageSd15 = {
  id: 'text-to-image-sd15',
  kind: 'text-to-image',
  title: { en: 'Text to image (SD 1.5)', zh: '文生图（SD 1.5）' },
  description: {
    en: 'Draws pictures from a description with an SD 1.5 checkpoint.',
    zh: '用 SD 1.5 模型按文字描述作画。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    checkpointParameter(['sd15'], { en: 'an SD 1.5 checkpoint', zh: 'SD 1.5 模型' }),
    ...sizeParameters({ width: 512, height: 512, multipleOf: 8, max: 1024 }),
    countParameter,
    ...checkpointSampling,
  ],
  ignores: [],
  notation: drawFromNothing(checkpointDrawing),
} satisfies Recipe;

export const textToImageCheckpoint = {
  id: 'text-to-image',
  kind: 'text-to-image',
  title: { en: 'Text to image (any checkpoint)', zh: '文生图（任意模型）' },
  description: {
    en: 'Draws pictures from a description with any Stable Diffusion checkpoint.',
    zh: '用任意 Stable Diffusion 模型按文字描述作画。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    anyCheckpointParameter,
    ...sizeParameters({ width: 512, height: 512, multipleOf: 8, defaults: sideDefaults }),
    countParameter,
    ...samplingParameters(20, 7, 'euler', 'normal'),
  ],
  ignores: [],
  notation: drawFromNothing(checkpointDrawing),
} satisfies Recipe;

export const textToImageSd3 = {
  id: 'text-to-image-sd3',
  kind: 'text-to-image',
  title: { en: 'Text to image (SD 3.5)', zh: '文生图（SD 3.5）' },
  description: {
    en: 'Draws pictures from a description with an SD 3 or 3.5 checkpoint that contains its text encoders.',
    zh: '用自带文本编码器的 SD 3 / 3.5 模型按文字描述作画。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    negativeParameter,
    checkpointParameter(['sd3'], { en: 'an SD 3 or 3.5 checkpoint', zh: 'SD 3 / 3.5 模型' }),
    ...sizeParameters({ width: 1024, height: 1024, multipleOf: 16 }),
    countParameter,
    ...samplingParameters(28, 4.5, 'euler', 'sgm_uniform'),
  ],
  ignores: [],
  notation: drawFromNothing(sd3Drawing),
} satisfies Recipe;

export const textToImageFluxCheckpoint = {
  id: 'text-to-image-flux-checkpoint',
  kind: 'text-to-image',
  title: { en: 'Text to image (Flux, one file)', zh: '文生图（Flux 整合模型）' },
  description: {
    en: 'Draws pictures from a description with a Flux checkpoint that contains its text encoders and VAE.',
    zh: '用自带文本编码器和 VAE 的 Flux 模型按文字描述作画。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    fluxCheckpointParameter,
    ...sizeParameters({ width: 1024, height: 1024, multipleOf: 16 }),
    countParameter,
    ...fluxSampling,
  ],
  ignores: ['negative', 'cfg'],
  notation: drawFromNothing(fluxCheckpointDrawing),
} satisfies Recipe;

export const textToImageFlux = {
  id: 'text-to-image-flux',
  kind: 'text-to-image',
  title: { en: 'Text to image (Flux)', zh: '文生图（Flux）' },
  description: {
    en: 'Draws pictures from a description with a Flux diffusion model, two text encoders and a VAE.',
    zh: '用 Flux 扩散模型、两个文本编码器和 VAE 按文字描述作画。',
  },
  promptLanguages: ['en'],
  parameters: [
    promptParameter,
    ...fluxFiles,
    ...sizeParameters({ width: 1024, height: 1024, multipleOf: 16 }),
    countParameter,
    ...fluxSampling,
  ],
  ignores: ['negative', 'cfg'],
  notation: drawFromNothing(fluxDrawing),
} satisfies Recipe;

export const textToImageQwen = {
  id: 'text-to-image-qwen',
  kind: 'text-to-image',
  title: { en: 'Text to image (Qwen-Image)', zh: '文生图（Qwen-Image）' },
  description: {
    en: 'Draws pictures from a description with Qwen-Image, which also writes legible English and Chinese text.',
    zh: '用 Qwen-Image 按文字描述作画，能写出清晰的中英文字。',
  },
  promptLanguages: ['en', 'zh'],
  parameters: [
    promptParameter,
    negativeParameter,
    ...qwenFileParameters(
      { en: 'a Qwen-Image diffusion model', zh: 'Qwen-Image 扩散模型' },
      { exclude: ['edit', 'layered'] },
    ),
    ...sizeParameters({ width: 1328, height: 1328, multipleOf: 16 }),
    countParameter,
    ...qwenSampling,
  ],
  ignores: [],
  notation: drawFromNothing(qwenDrawing),
} satisfies Recipe;

export const textToImageZImage = {
  id: 'text-to-image-z-image',
  kind: 'text-to-image',
  title: { en: 'Text to image (Z-Image)', zh: '文生图（Z-Image）' },
  description: {
    en: 'Draws pictures from a description with Z-Image Turbo in a few steps.',
    zh: '用 Z-Image Turbo 以很少的步数按文字描述作画。',
  },
  promptLanguages: ['en', 'zh'],
  parameters: [
    promptParameter,
    ...zImageFiles,
    ...sizeParameters({ width: 1024, height: 1024, multipleOf: 16 }),
    countParameter,
    seedParameter,
    stepsParameter(9),
    ...samplerParameters('res_multistep', 'simple'),
  ],
  ignores: ['negative', 'cfg'],
  notation: drawFromNothing(zImageDrawing),
} satisfies Recipe;
